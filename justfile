# What CI runs, one recipe each. `just check` before pushing.

default: check

setup:
    uv sync

lint:
    uv run ruff check
    uv run ruff format --check

types:
    uv run mypy

imports:
    uv run lint-imports

test *arguments:
    uv run pytest {{arguments}}

unit:
    uv run pytest tests/unit tests/docs

e2e:
    uv run pytest tests/e2e

# What takes too long for every push: all apps, two runs at once, memory, repeats.
soak *arguments:
    uv run pytest -m soak {{arguments}}

check: lint types imports test

# Five runs of the demo, as in docs/benchmarks.md; needs a quiet machine.
bench-demo:
    uv run python benchmarks/demo.py
