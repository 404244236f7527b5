"""Arguments in, exit status out; no logic.

Exit status: 0 ran to a verdict, 1 a gate failed, 2 usage or configuration, 3 the app did not
start or cannot be reached, 4 inconclusive, 5 no traffic could be found, 130 interrupted.
"""

from __future__ import annotations

import logging
import sys

import click
from rich.console import Console

from pinchpoint import __version__
from pinchpoint.cli import attach, cluster, commands, runs
from pinchpoint.errors import PinchpointError

INTERRUPTED = 130


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="pinchpoint")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens to standard error.")
def group(*, verbose: bool) -> None:
    """Find where a Python web app saturates, why, and prove the fix."""
    if verbose:
        logging.basicConfig(level=logging.INFO, format="%(message)s")


for command in (*commands.COMMANDS, *attach.COMMANDS, *cluster.COMMANDS, *runs.COMMANDS):
    group.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    try:
        status = group.main(args=arguments, prog_name="pinchpoint", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except PinchpointError as error:
        _show(error)
        status = error.exit_status
    except (KeyboardInterrupt, click.Abort):
        Console(stderr=True).print("interrupted; nothing is left running", highlight=False)
        status = INTERRUPTED
    sys.exit(status if isinstance(status, int) else 0)


def _show(error: PinchpointError) -> None:
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print("error:", style="bold red", end=" ")
    console.print(str(error), markup=False)
    if error.remedy:
        console.print("  try:", style="bold", end=" ")
        console.print(error.remedy, markup=False)
