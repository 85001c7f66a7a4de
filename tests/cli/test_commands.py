"""The list of commands: true of the commands, and printed without importing them."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from typer._completion_shared import get_completion_script
from typer.main import get_group

import api.cli
from api.cli.main import COMMANDS, MODULES, load_command
from infrastructure.postgres.migrated import MIGRATIONS
from tests.cli.conftest import Run

HEAVY = (
    *("strawberry", "sqlalchemy", "alembic", "psycopg", "uvicorn"),
    *("eventsourcing", "msgspec", "joserfc", "domain.aggregate", "api.cli.terminal"),
)


def test_every_command_is_listed_with_the_first_sentence_of_its_help() -> None:
    result = {}
    for path in sorted(Path(api.cli.__path__[0]).glob("[!_]*.py")):
        module = import_module(f"api.cli.{path.stem}")
        if path.stem != "main" and hasattr(module, "app"):
            commands = get_group(module.app).commands.values()
            sentences = {str(c.name): " ".join((c.help or "").split()) for c in commands}
            result[path.stem] = {n: text.split(".")[0] + "." for n, text in sentences.items()}
    assert result == {module: dict(commands) for module, commands in COMMANDS.items()}


def test_a_command_that_is_run_is_the_one_of_its_module(run: Run) -> None:
    assert load_command("token").name == "token"
    assert "--role" in run("token", "--help").out
    assert run("projections", "--help").code == 0
    misspelt = run("toke")
    assert misspelt.code == 2
    assert "Did you mean 'token'" in misspelt.err


def commands_below(path: list[str], command: Any) -> Iterator[tuple[str, Any]]:
    """Each command below one, by the words that call it."""
    below = getattr(command, "commands", None)
    if below is None:
        yield " ".join(path), command
    for name, each in (below or {}).items():
        yield from commands_below([*path, name], each)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_the_help_of_each_command_has_an_example_that_can_be_given(name: str) -> None:
    for path, command in commands_below([name], load_command(name)):
        assert command.epilog, f"{path} has no example"
        program, *words = shlex.split(command.epilog.removeprefix("Example: "))
        called, arguments = words[: path.count(" ") + 1], words[path.count(" ") + 1 :]
        assert (program, " ".join(called)) == ("wardbook", path)
        context = command.make_context(path, arguments)
        assert context.params or not command.params


def test_paragraphs_of_help_are_broken_by_the_terminal_alone(run: Run) -> None:
    lines = [line.strip() for line in run("restate", "--help").out.splitlines()]
    first = next(n for n, line in enumerate(lines) if line.startswith("Each figure"))
    paragraph = lines[first : lines.index("", first)]
    words = [line.partition(" ")[0] for line in paragraph[1:]]
    assert all(len(f"{a} {b}") > 76 for a, b in zip(paragraph, words, strict=False))


@pytest.mark.parametrize("name", sorted(MODULES))
def test_what_is_printed_in_one_form_is_printed_in_each(name: str) -> None:
    for path, command in commands_below([name], load_command(name)):
        options = {option for parameter in command.params for option in parameter.opts}
        forms = options & {"--json", "--csv", "--format"}
        assert not forms or forms >= {"--json", "--csv"}, path


def test_the_version_is_that_of_the_package_and_of_its_newest_migration(run: Run) -> None:
    newest = max(Path(MIGRATIONS, "versions").glob("0*.py")).stem[:4]
    result = run("--version").out
    assert result == f"wardbook {version('wardbook')}, migration {newest}\n"


def test_a_shell_completes_commands(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_WARDBOOK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "wardbook occ")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert run().out.split() == ["occupancy"]
    monkeypatch.setenv("COMP_WORDS", "wardbook occupancy --kn")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run().out.split() == ["--known-at"]


GROUPS = [name for name in MODULES if hasattr(load_command(name), "commands")]


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("report --format=", ["--format=csv", "--format=json", "--format=svg", "--format=table"]),
        ("token --role=nu", ["--role=nurse"]),
        ("--demo projections rebuild a", ["all", "allergies"]),
        ("projections skip vis", ["visits"]),
        ("report bund", ["bundle"]),
        ("report bed-turnover-r", ["bed-turnover-rate"]),
    ],
)
@pytest.mark.parametrize("shell", ["fish", "zsh"])
def test_a_shell_completes_names_and_joined_values(
    run: Run, monkeypatch: pytest.MonkeyPatch, shell: str, words: str, values: list[str]
) -> None:
    monkeypatch.setenv("_WARDBOOK_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"wardbook {words}")
    lines = run().out.splitlines()
    if shell == "fish":
        assert sorted(line.partition("\t")[0] for line in lines) == values
    else:
        assert sorted(re.findall(r'[(\n]"(.*?)"', "\n".join(lines))) == values


def test_bash_completes_a_joined_value_as_three_words(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_WARDBOOK_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "wardbook report --format = j")
    monkeypatch.setenv("COMP_CWORD", "4")
    assert run().out.split() == ["json"]


@pytest.mark.parametrize("group", ["", *GROUPS])
def test_a_description_in_completion_is_a_whole_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    monkeypatch.setenv("_WARDBOOK_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", f"wardbook {group} ".replace("  ", " "))
    lines = [line.split("\t") for line in run().out.splitlines()]
    names = load_command(group).commands if group else MODULES
    assert sorted(name for name, _ in lines) == sorted(names)
    assert all(text.endswith(".") and not text.endswith("..") for _, text in lines)


SHELLS = {
    "bash": "source wardbook.sh; COMP_WORDS=(wardbook tim); COMP_CWORD=1;"
    " _wardbook_completion wardbook; echo $COMPREPLY",
    "zsh": "fpath=(.); autoload -Uz _wardbook; compdef() { : }; _arguments() { print $* };"
    " words=(wardbook tim); CURRENT=2; _wardbook",
    "fish": "source wardbook.fish; complete -C 'wardbook tim'",
}
"""Scripts by which each shell completes at its first TAB after the words ``wardbook tim``."""

SCRIPTS = {"bash": "wardbook.sh", "zsh": "_wardbook", "fish": "wardbook.fish"}


@pytest.mark.parametrize("shell", SHELLS)
def test_each_shell_completes_at_the_first_tab(shell: str, tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    script = get_completion_script(
        prog_name="wardbook", complete_var="_WARDBOOK_COMPLETE", shell=shell
    )
    (tmp_path / SCRIPTS[shell]).write_text(script)
    done = subprocess.run(
        [program, "-c", SHELLS[shell]],
        cwd=tmp_path,
        env={"HOME": str(tmp_path), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "timeline" in done.stdout
    assert done.stderr == ""


def test_zsh_completes_as_it_loads_the_script() -> None:
    script = get_completion_script(
        prog_name="wardbook", complete_var="_WARDBOOK_COMPLETE", shell="zsh"
    )
    assert script.endswith("if [[ $funcstack[1] = _wardbook ]]; then _wardbook_completion; fi")


@pytest.mark.parametrize("choice", [("course", "--format"), ("token", "--role")])
def test_a_choice_that_is_none_is_answered_by_those_there_are(
    run: Run, choice: tuple[str, str]
) -> None:
    result = run(*choice, "nothing")
    assert result.err.startswith(f"Invalid value for '{choice[1]}': 'nothing' is not one of '")
    assert result.code == 2


@pytest.mark.parametrize("arguments", [["--help"], ["token"], ["--version"]])
def test_the_list_and_a_token_need_no_database_and_no_schema(
    arguments: list[str], home: Path
) -> None:
    code = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print([m for m in {HEAVY} if m in sys.modules]))\n"
        f"sys.argv[1:] = {arguments}\n"
        "from api.cli import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
