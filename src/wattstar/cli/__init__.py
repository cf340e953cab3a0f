"""The command line: words → one function call → print. stdout is data, stderr is talk."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

import click

from wattstar import __version__
from wattstar.errors import WattstarError

COMMANDS: Mapping[str, str] = {
    "run": "Measure models, and add a record of each to the store.",
    "plan": "Say what would run, what is refused and why, and what it takes.",
    "measure": "Say what energy any command takes.",
    "rate": "Give the store's models one to five stars.",
    "edition": "List, show, build and compare the editions that give stars.",
    "leaderboard": "Build a static site of records and editions, and look at it.",
    "compare": "Say how many times more energy one model takes than another.",
    "label": "Draw the energy label of a record, or verify one.",
    "impact": "Say what a year of a model's queries comes to: kWh, CO2e, water, cost.",
    "export": "Write records in the formats of other tools.",
    "list": "List the records of the store, and what was interrupted.",
    "show": "Show one record.",
    "verify": "Work every figure of a record out again, and say what does not add up.",
    "reproduce": "Measure the job of a record again, and say whether both agree.",
    "doctor": "Say what this machine can measure, and the cure for what it cannot.",
    "probe": "Characterise a GPU's energy sensor, once a machine.",
    "tasks": "List the tasks.",
    "models": "List the models that need no network.",
    "backends": "List the ways of serving a model.",
    "meters": "List the meters.",
    "testset": "Build, show, verify and push test sets of 1,000 rows.",
    "prepare": "Turn packaged weights into the files that a backend reads, once.",
}
"""In the order of ``--help``; the command NAME is ``command`` in ``cli/NAME.py``, imported when it is called."""


class LazyGroup(click.Group):
    """Lists the commands without importing them, and turns our errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order people need them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import one."""
        if name not in COMMANDS:
            return None
        command = importlib.import_module(f"wattstar.cli.{name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; an error says what, why and how to cure it, and ends with its exit code."""
        try:
            return super().invoke(ctx)
        except WattstarError as error:
            click.echo(f"wattstar: {error.message}", err=True)
            for cure in error.cures:
                click.echo(f"  → {cure}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            click.echo("wattstar: stopped.", err=True)
            ctx.exit(130)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 ok · 1 internal · 2 usage · 3 environment unfit · 4 a quality gate failed · "
    "5 some jobs failed · 6 verification failed · 130 interrupted",
)
@click.version_option(__version__, prog_name="wattstar")
def main() -> None:
    """Measure and rate the energy of AI models.

    Try:  wattstar doctor  ·  wattstar run -t sentence-similarity -m sentence-transformers/all-MiniLM-L6-v2
    """
