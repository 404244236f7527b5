"""Commands about earlier runs, and about this machine."""

from __future__ import annotations

from pathlib import Path

import click

from pinchpoint.pipeline import comparing, reading
from pinchpoint.report.compare import NOISE_RATIO

REGRESSED = 1


@click.command()
@click.argument("before")
@click.argument("after", default="last")
def compare(before: str, after: str) -> int:
    """Show what has changed from run BEFORE to run AFTER (the last one if left out).

    The intervals are those of the two runs. What changed on the machine between them is not in
    them: 'pinchpoint prove' measures both arms side by side.
    """
    folders = [reading.find_run(Path.cwd(), name) for name in (before, after)]
    click.echo(comparing.compare_runs(*folders))
    return 0


@click.command()
def history() -> int:
    """List the runs of this folder with capacity, wall and findings; the latest last."""
    for line in comparing.history(Path.cwd() / reading.RUNS):
        click.echo(line)
    return 0


@click.command()
@click.argument("run", default="last")
@click.option("--baseline", required=True, help="The run that RUN must not be worse than.")
@click.option(
    "--noise",
    "noise_ratio",
    type=click.FloatRange(min=0, max=1, max_open=True),
    default=NOISE_RATIO,
    show_default=True,
    help="Worse by no more than this share is taken for noise between two runs.",
)
def gate(run: str, baseline: str, noise_ratio: float) -> int:
    """Exit with 1 if RUN is worse than the baseline: in capacity, or at an endpoint.

    Exits with 4 if the two cannot be compared: another machine, other routes, a void run.
    """
    before, after = (reading.find_run(Path.cwd(), name) for name in (baseline, run))
    worse = comparing.gate(before, after, noise_ratio)
    for line in worse:
        click.echo(f"REGRESSED  {line}")
    if not worse:
        click.echo(f"no regression beyond {noise_ratio:.0%}")
    return REGRESSED if worse else 0


@click.command()
@click.argument("run", default="last")
@click.option("--format", "name", default="terminal", help="Such as markdown, json or html.")
def show(run: str, name: str) -> int:
    """Print the report of an earlier RUN; as Markdown it fits into a pull request."""
    folder = reading.find_run(Path.cwd(), run)
    click.echo(reading.as_format(folder, name), nl=False)
    return 0


@click.command()
def doctor() -> int:
    """Show what this machine has for a run, and whether its timings are steady."""
    for check in reading.examine(Path.cwd()):
        click.echo(f"{'!' if check.advice else ' '} {check.name:<11} {check.fact}")
        if check.advice:
            click.echo(f"{'':<13} {check.advice}")
    return 0


COMMANDS = (show, compare, history, gate, doctor)
