"""The words of the code follow CONTRIBUTING.md: a name says of what, a docstring begins with a verb."""

import ast
import re
from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "application", "infrastructure", "api")
MOST_LINES = 400

HEADLESS = set(
    """
    away been began begun beside both came done each enough ever everybody everything few following
    forgotten found free fresh given gone had held here kept known least left made mine more most much
    nobody nothing nowhere one ours out own plain ready right said same seen sent several shown some
    something such taken theirs them there they thing things told true was were what when where which
    who whole whom whose why withdrawn within without written wrong wrote
    """.split()  # noqa: SIM905
)
PARTICIPLE = re.compile("[a-z]+ed")
PRONOUN = re.compile(r"(Who|Whom|Whose|What|Which|Whether|Where|When|Why|How)\b")

NOUNS = {"bed", "feed", "need", "seed", "speed"}
# The field's own: `one` row, rows `held` true and `known`, `prefetched` rows, a plan `without` a field,
# a `required` input; and the names of the command line's commands.
FUNCTIONS = {"held", "known", "one", "prefetched", "refused", "required", "without"}

Function = ast.FunctionDef | ast.AsyncFunctionDef
Assignment = ast.Assign | ast.AnnAssign


def is_headless(name: str) -> bool:
    """Return whether a name is a participle, a pronoun or an adjective alone: of what is not said."""
    name = name.strip("_")
    return name in HEADLESS or bool(PARTICIPLE.fullmatch(name) and name not in NOUNS)


def headless(code: str) -> Iterator[str]:
    """Locals, functions that are neither properties nor fields of the API, and docstrings."""
    nodes = list(ast.walk(ast.parse(code)))
    bodies = [node.body for node in nodes if isinstance(node, ast.Module | ast.ClassDef)]
    assigned = [s for body in bodies for s in body if isinstance(s, Assignment)]
    published = {id(name) for assignment in assigned for name in ast.walk(assignment)}
    for node in nodes:
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if is_headless(node.id) and id(node) not in published:
                yield f"{node.lineno}: {node.id}"
        elif isinstance(node, Function):
            is_free = not node.decorator_list and node.name.strip("_") not in FUNCTIONS
            if is_free and is_headless(node.name):
                yield f"{node.lineno}: {node.name}"
    yield from riddles(nodes)
    for assignment, after in chain.from_iterable(map(pairwise, bodies)):
        text = ast.unparse(after).strip("'\"") if isinstance(after, ast.Expr) else ""
        if isinstance(assignment, Assignment) and PRONOUN.match(text):
            yield f"{after.lineno}: {text[:60]}"


def riddles(nodes: Iterable[ast.AST]) -> Iterator[str]:
    """Docstrings that begin with a pronoun; a test's own tells why it is so."""
    for node in nodes:
        if isinstance(node, ast.Module | ast.ClassDef | Function):
            name = getattr(node, "name", "module")
            text = ast.get_docstring(node) or ""
            if PRONOUN.match(text) and not name.startswith("test_"):
                yield f"{name}: {text[:60]}"


def test_docstrings_of_tests_and_migrations_begin_with_what_they_are_of() -> None:
    files = (f for package in ("tests", "migrations") for f in (ROOT / package).rglob("*.py"))
    of_files = {file: list(riddles(ast.walk(ast.parse(file.read_text())))) for file in files}
    assert {file: texts for file, texts in of_files.items() if texts} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_names_and_docstrings_say_what_they_are_of(package: str) -> None:
    of_files = {file: list(headless(file.read_text())) for file in (ROOT / package).rglob("*.py")}
    assert {file: names for file, names in of_files.items() if names} == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_file_is_too_long(package: str) -> None:
    lengths = {file: file.read_text().count("\n") for file in (ROOT / package).rglob("*.py")}
    assert {file: length for file, length in lengths.items() if length > MOST_LINES} == {}


def test_what_does_not_say_what_it_is_of_is_found() -> None:
    code = """
MOST = told = 1
'''How many there are.'''

async def sent():
    '''What there is.'''
    found = [kept for kept in rows]
    with open(file) as written, bed:
        seed = bed_held = 1

@property
def held():
    '''Return what is held.'''
"""
    assert set(headless(code)) == {
        *("3: How many there are.", "5: sent", "sent: What there is."),
        *("7: found", "7: kept", "8: written"),
    }
