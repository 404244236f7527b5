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

# The load engine against its bars, as in docs/benchmarks.md: a quiet machine, wrk, nginx, Locust.
bench-load *arguments:
    uv run python benchmarks/load.py --json benchmarks/results/load.json {{arguments}}

# Ten minutes at 1,000 connections: the engine's memory stays flat.
soak-load:
    uv run python benchmarks/load.py --only memory --json benchmarks/results/load.json

# The search for the capacity on 800 simulated applications drawn at random, as in docs/benchmarks.md.
soak-capacity *arguments:
    uv run python benchmarks/capacity.py --json benchmarks/results/capacity.json {{arguments}}

# Ten searches on one real application: nine intervals overlap the pooled estimate.
soak-repeat *arguments:
    uv run python benchmarks/repeat.py --json benchmarks/results/repeat.json {{arguments}}
# The probe against its bars, as in docs/benchmarks.md: needs a quiet machine.
bench-probe *arguments:
    uv run python benchmarks/probe.py --json benchmarks/results/probe.json {{arguments}}
