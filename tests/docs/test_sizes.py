"""Functions and files stay small enough to be read in one go."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    file
    for folder in ("src", "lab/src", "tests", "benchmarks")
    for file in (ROOT / folder).rglob("*.py")
    if ".venvs" not in file.parts
)


def _functions(file: Path) -> list[tuple[str, int]]:
    tree = ast.parse(file.read_text("utf-8"))
    return [
        (node.name, (node.end_lineno or node.lineno) - node.lineno + 1)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_is_over_400_lines_and_no_function_over_60(file: Path) -> None:
    assert len(file.read_text("utf-8").splitlines()) <= 400
    assert [name for name, lines in _functions(file) if lines > 60] == []


def test_half_of_the_functions_are_under_8_lines_of_body() -> None:
    source = [file for file in FILES if "src" in file.parts]
    bodies = [_body_lines(node) for file in source for node in _nodes(file)]
    assert statistics.median(bodies) < 8


def _nodes(file: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(file.read_text("utf-8"))
    return [
        node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0
