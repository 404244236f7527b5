"""Keep literals out of what leaves the process: they may be personal data."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NAMES = (
    "Alias",
    "CTE Name",
    "Command",
    "Custom Plan Provider",
    "Function Name",
    "Index Name",
    "Join Type",
    "Node Type",
    "Operation",
    "Parent Relationship",
    "Partial Mode",
    "Peak Memory Usage",
    "Relation Name",
    "Scan Direction",
    "Schema",
    "Sort Method",
    "Sort Space Type",
    "Strategy",
    "Subplan Name",
)
"""Keys of a plan's node whose texts are names; all other texts are expressions."""


def mask_plan(value: "Any") -> "Any":
    """PostgreSQL's plan with `?` in place of each literal of its expressions."""
    if isinstance(value, list):
        return [mask_plan(item) for item in value]
    if isinstance(value, dict):
        return {
            key: item if key in _NAMES and isinstance(item, str) else mask_plan(item)
            for key, item in value.items()
        }
    return mask_literals(value) if isinstance(value, str) else value


def mask_literals(expression: str) -> str:
    """An SQL expression with `?` in place of its strings and numbers.

    Args:
        expression: As PostgreSQL prints it: without comments and dollar quotes.
    """
    import re

    literal = r"""
        ("(?:[^"]|"")*")            # a quoted name stays
        | '(?:[^']|'')*(?:'|$)      # a string; the last may be cut off
        | (?<![\w.$])\d[\w.]*(?:(?<=[eE])[+-]\d+)?
    """
    return re.sub(literal, lambda found: found[1] or "?", expression, flags=re.VERBOSE)


def words(text: str) -> "list[str]":
    """The names and numbers in a statement."""
    import re

    return re.findall(r"\w+", text)
