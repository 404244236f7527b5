"""How the frameworks spell a route, and how we do: `/users/{id}`."""

import sys

_known: "dict[str, str]" = {}


def from_angles(rule: str) -> str:
    """Translate `/users/<int:id>`, as Flask and Django's `path` have it."""
    template = ""
    while "<" in rule:
        before, _, rest = rule.partition("<")
        inside, _, rule = rest.partition(">")
        template += before + "{" + inside.rpartition(":")[2] + "}"
    return template + rule


def from_django(route: str) -> str:
    """Translate Django's `ResolverMatch.route`: `path` and `re_path` patterns, joined.

    Returns:
        The template with its leading slash; the route as it is where it cannot be one.
    """
    template = _known.get(route)
    if template is None:
        is_regex = any(sign in route for sign in ("(", "\\", "^", "$"))
        template = "/" + (_from_regex(route) if is_regex else from_angles(route))
        _known[route] = template
    return template


def _from_regex(route: str) -> str:
    normalize = sys.modules["django.utils.regex_helper"].normalize
    possibilities = normalize(_angles_to_groups(route))
    text, names = possibilities[0]
    return str(text % {name: "{" + name + "}" for name in names}) if text else route


def _angles_to_groups(route: str) -> str:
    """Write the parameters of a `path` around a `re_path` as groups, too."""
    parts = route.split("<")
    for number, part in enumerate(parts[1:], 1):
        if parts[number - 1].endswith("(?P"):
            parts[number] = "<" + part
        else:
            inside, _, rest = part.partition(">")
            parts[number] = "(?P<" + inside.rpartition(":")[2] + ">x)" + rest
    return "".join(parts)
