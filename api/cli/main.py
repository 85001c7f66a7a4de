"""The command ``wardbook``; each of its commands is imported when it is run."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from inspect import cleandoc
from io import TextIOWrapper
from pathlib import Path
from shutil import get_terminal_size
from types import MappingProxyType
from typing import Annotated, Any, NoReturn

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError, NoSuchOption, UsageError
from typer._completion_shared import _completion_scripts
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command, get_group

from api.cli.ending import end_at_signals, ending
from api.exit_codes import ExitCode

COMMANDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "server": {
            "serve": "Serve GraphQL.",
            "worker": "Keep the read models up to date, and sign checkpoints of the log.",
            "migrate": "Make or bring up to date every table.",
        },
        "demo": {
            "demo": "Make a hospital with some weeks of simulated stays, and serve it.",
        },
        "doctor": {
            "doctor": "Print the settings, the state of the database, and what is wrong.",
        },
        "tokens": {
            "token": "Print a token for a server on this machine only.",
        },
        "imports": {
            "simulate": "Simulate a hospital over time, into an empty or a simulated log.",
            "import": "Bring in the history of another system.",
        },
        "exports": {
            "export": "Give the record to another system.",
        },
        "hl7": {
            "hl7": "Messages of other systems in HL7 v2.",
        },
        "feed": {
            "feed": "Publish the feed to a broker, each event once, in the order of the log.",
        },
        "warehouse": {
            "warehouse": "Fill a warehouse with the feed of this hospital, from where it was filled to.",
        },
        "queries": {
            "timeline": "List what happened to a patient, in the order in which it happened.",
            "occupancy": "List every bed and who lies in it, as of a moment, as known at another.",
            "accesses": "List who read whose data, the latest first.",
        },
        "courses": {
            "course": "Print the course of a stay, or of all stays of a patient, as a document.",
        },
        "reports": {
            "report": "Print a report on a period, as known now or then; alone, list the reports.",
        },
        "restatements": {
            "restate": "Compute an issued report again, and record what changed; alone, list them.",
        },
        "keys": {
            "keys": "The keys by which texts about persons are sealed.",
        },
        "retention": {
            "retention": "List persons of whom nothing was recorded for so long; it changes nothing.",
        },
        "revocations": {
            "revoke": "Revoke a token, or a login's tokens up to now; WebSockets of it end, too.",
        },
        "analysis": {
            "query": "Ask the history in SQL: six tables, both clocks in each row.",
        },
        "schema": {
            "schema": "Print the SDL, the JSON Schema of events or feed, or a generated page.",
        },
        "projections": {
            "projections": "The read models.",
        },
        "verification": {
            "verify": "Check every promise about the log, the claims and the read models.",
        },
        "evidence": {
            "checkpoint": "Print the newest signed checkpoint of the log, to be filed elsewhere.",
            "proof": "Prove that an event is in the log as it was signed, or check such a proof.",
            "witness": "Cosign a checkpoint of another house, if its log goes on from the last one"
            " cosigned here.",
        },
        "backups": {
            "backup": "Save the log and the record of reading in one file, while the hospital goes on.",
            "restore": "Restore a backup into an empty database, whole or not at all.",
            "new-epoch": "Raise the log's epoch after a restore by other means.",
        },
    }
)
"""The commands by module of `api.cli`, each with the first sentence of its help.

``wardbook --help`` prints them without importing what they need.
"""

MODULES = {name: module for module, commands in COMMANDS.items() for name in commands}


class Commands(TyperGroup):
    """A group that knows its commands by name and help, and imports the one that is run."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, command, rest = super().resolve_command(ctx, args)
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
        return name, command and load_command(str(command.name)), rest

    def _main_shell_completion(self, *args: Any, **named: Any) -> None:
        if any(name.endswith("_COMPLETE") for name in os.environ):
            import_module("api.cli.completion")
        super()._main_shell_completion(*args, **named)

    def make_context(self, *args: Any, **named: Any) -> Any:
        with abort_at_interruption():
            return super().make_context(*args, **named)

    def invoke(self, ctx: Any) -> Any:
        with abort_at_interruption():
            return super().invoke(ctx)


@contextmanager
def abort_at_interruption() -> Iterator[None]:
    """Raise Abort at an interruption, of which typer would say nothing."""
    try:
        yield
    except KeyboardInterrupt:
        raise typer.Abort from None


def print_version(chosen: bool) -> None:
    """Print the version of the package and of its newest migration, and end."""
    if chosen:
        from importlib.metadata import version

        folder = Path(__file__).resolve().parents[2] / "migrations" / "versions"
        newest = max(file.stem.partition("_")[0] for file in folder.glob("[0-9]*.py"))
        sys.stdout.write(f"wardbook {version('wardbook')}, migration {newest}\n")
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option(
        "--version",
        is_eager=True,
        callback=print_version,
        help="Print the version of the program and of its newest migration.",
    ),
]


def choose_demo(chosen: bool) -> None:
    """Let the command go on with the demo's hospital. Raises InvalidSetting."""
    if chosen:
        from infrastructure.settings import use_demo

        use_demo()


Demo = Annotated[
    bool,
    typer.Option(
        "--demo",
        callback=choose_demo,
        help="Ask the hospital of `wardbook demo`, whatever home and database are set.",
    ),
]
options = typer.Typer()

# zsh loads the script at the first TAB, which would complete nothing
_completion_scripts["zsh"] += (
    "if [[ $funcstack[1] = _%(prog_name)s ]]; then %(complete_func)s; fi\n"
)


@options.callback()
def declare_options(version: Version = False, demo: Demo = False) -> None:
    """Declare the options of ``wardbook`` itself; typer adds those of completion."""


def load_command(name: str) -> Any:
    """Import a command, and what it needs."""
    module = import_module(f"api.cli.{MODULES[name]}")
    command: Any = get_group(module.app).commands[name]
    for subcommand in (command, *getattr(command, "commands", {}).values()):
        subcommand.help = _LINE_END.sub(" ", cleandoc(subcommand.help or ""))
        subcommand.short_help = subcommand.help.partition("\n\n")[0]  # completion would cut it
    return command


_LINE_END = re.compile(r"(?<!\n)\n(?!\n)")
"""The end of a line within a paragraph of a help, which a terminal breaks anew."""


app = Commands(
    name="wardbook",
    help="Wardbook: the hospital's record of every stay.\n\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no database, 4 a check failed,"
    " 130 interrupted, 143 ended by SIGTERM or SIGHUP.",
    epilog="Example: wardbook --demo occupancy --ward Surgery",
    no_args_is_help=True,
    params=get_command(options).params,
    commands=[
        TyperCommand(name, help=text, short_help=text)
        for commands in COMMANDS.values()
        for name, text in commands.items()
    ],
)


def sentence_of(error: ClickException) -> str:
    """Return one plain sentence for an error of usage, and the command that prints the help."""
    text = " ".join(error.format_message().split()).replace(": Value error, ", ": ", 1)
    text = re.sub(
        "Input should be a valid UUID.*", "it has to be an id, as another command prints it", text
    )
    if isinstance(error, NoSuchOption) and error.possibilities:
        names = ", ".join(sorted(error.possibilities))
        text = f"{error.message}. Did you mean {names}?"
    text = text if text.endswith((".", "?", "!")) else f"{text}."
    if not isinstance(error, UsageError):
        return text
    commands = [name for name in sys.argv[1:] if name in MODULES][:1]
    path = error.ctx.command_path if error.ctx else " ".join(["wardbook", *commands])
    return f"{text} See `{path} --help`."


def prepare_output() -> None:
    """Have standard output lose no letter: UTF-8 in a file, on a terminal what that can show."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # it was closed
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115
        elif isinstance(stream, TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


HELP_WIDTH = 80
"""The characters of a line with which no help loses a letter."""


def prepare_widths() -> None:
    """Have help lose no letter on a terminal that is narrower than its columns, or says it has none."""
    if not os.environ.get("COLUMNS", "").strip("0"):
        os.environ.pop("COLUMNS", None)
    os.environ["TERMINAL_WIDTH"] = str(max(HELP_WIDTH, get_terminal_size().columns))


def leave(code: int) -> NoReturn:
    """End once all output is written: REFUSED if it cannot be, without a word if its reader left."""
    try:
        sys.stdout.flush()
    except OSError as error:
        os.dup2(
            os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno()
        )  # it is flushed again at exit
        if code == ExitCode.DONE:
            code = ExitCode.REFUSED
            if not isinstance(error, BrokenPipeError):
                sys.stderr.write(f"The output cannot be written: {error.strerror}.\n")
    raise SystemExit(code)


def main() -> None:
    """Run the command line; an error ends it with a sentence and an exit code."""
    prepare_output()
    prepare_widths()
    end_at_signals()
    try:
        try:
            raise typer.Exit(app(standalone_mode=False) or ExitCode.DONE)
        except NoArgsIsHelpError as error:  # the help is printed
            raise typer.Exit(error.exit_code) from None
        except ClickException as error:
            from api.cli.terminal import stop

            stop(sentence_of(error), ExitCode(error.exit_code))
        except (KeyboardInterrupt, typer.Abort):
            from api.cli.terminal import stop

            stop(*ending())
        except typer.Exit:
            raise
        except BrokenPipeError:  # who read the output has enough
            raise typer.Exit(ExitCode.REFUSED) from None
        except Exception as error:
            from api.cli.terminal import stop
            from api.errors import response_to  # all that can fail, and what it needs

            response = response_to(error)
            if response.exit_code is None:
                raise
            stop(response.advice, response.exit_code)
    except typer.Exit as ended:
        code = ended.exit_code
    leave(code)
