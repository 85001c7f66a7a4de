"""The command ``schema``: the schemas of GraphQL, the events and the feed, and two generated pages.

It prints them, writes their files, and checks that the files are up to date and that the schemas are
compatible with the released ones.
"""

import json
import sys
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from api.cli import schema_compatibility
from api.cli.access_matrix import access_matrix
from api.cli.correction_table import correction_table
from api.cli.terminal import out, stop
from api.exit_codes import ExitCode
from api.feed.cloudevents import feed_schema
from api.graphql.schema import sdl
from domain.aggregate import Event
from domain.envelope import REDACTED
from domain.event_types import EVENTS
from infrastructure.sealing.key_ring import SEAL

app = typer.Typer()

ROOT = Path(__file__).resolve().parent.parent.parent
SDL_FILE = ROOT / "docs" / "schema.graphql"
EVENTS_FILE = ROOT / "docs" / "events.schema.json"
FEED_FILE = ROOT / "docs" / "feed.schema.json"
ACCESS_FILE = ROOT / "docs" / "access.md"
CORRECTIONS_FILE = ROOT / "docs" / "corrections.md"
RELEASED = "released"
"""The folder beside them, with the three as they were when they were last released."""


@app.command(epilog="Example: wardbook schema --feed --check")
def schema(
    events: Annotated[
        bool, typer.Option("--events", help="The JSON Schemas of the events instead.")
    ] = False,
    feed: Annotated[
        bool, typer.Option("--feed", help="The JSON Schema of the feed instead.")
    ] = False,
    access: Annotated[
        bool, typer.Option("--access", help="The access matrix (Markdown) instead.")
    ] = False,
    corrections: Annotated[
        bool, typer.Option("--corrections", help="The table of corrections (Markdown) instead.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare with the one that is kept.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Keep it, in docs/.")] = False,
    release: Annotated[
        bool, typer.Option("--release", help="Keep all three as released, in docs/released/.")
    ] = False,
) -> None:
    """Print the SDL, the JSON Schema of events or feed, or a generated page."""
    if release:
        _release()
        return
    if events:
        text, file, option = event_schemas(), EVENTS_FILE, "--events "
    elif feed:
        text, file, option = feed_schema(), FEED_FILE, "--feed "
    elif access:
        text, file, option = access_matrix(), ACCESS_FILE, "--access "
    elif corrections:
        text, file, option = correction_table(), CORRECTIONS_FILE, "--corrections "
    else:
        text, file, option = sdl(), SDL_FILE, ""
    if write:
        file.write_text(text)
    elif not check:
        sys.stdout.write(text)
    elif not file.exists() or file.read_text() != text:
        stop(
            f"{file.relative_to(ROOT)} is not what the program says. "
            f"If the change is meant, run: wardbook schema {option}--write",
            ExitCode.CHECK_FAILED,
        )
    else:
        out.print(f"{file.relative_to(ROOT)} is what the program says.")
        if file not in (ACCESS_FILE, CORRECTIONS_FILE):
            _check_compatibility(file, text)


def _release() -> None:
    for file, text in (
        (SDL_FILE, sdl()),
        (EVENTS_FILE, event_schemas()),
        (FEED_FILE, feed_schema()),
    ):
        (file.parent / RELEASED).mkdir(exist_ok=True)
        (file.parent / RELEASED / file.name).write_text(text)


def _check_compatibility(file: Path, text: str) -> None:
    """Stop if a client of the released schema would break; print what may break a careless one."""
    released_file = file.parent / RELEASED / file.name
    if not released_file.exists():
        stop(
            f"{released_file.relative_to(ROOT)} is missing: it says what was released.",
            ExitCode.CHECK_FAILED,
        )
    released_text = released_file.read_text()
    breaks: list[str] = []
    if released_text == text:
        return
    if file == SDL_FILE:
        breaks = schema_compatibility.broken_in_sdl(released_text, text)
        for dangerous in schema_compatibility.dangerous_in_sdl(released_text, text):
            out.print(f"To be named in CHANGELOG.md, since clients may stumble: {dangerous}")
    elif file == EVENTS_FILE:
        breaks = schema_compatibility.broken_in_events(json.loads(released_text), json.loads(text))
    else:
        breaks = schema_compatibility.broken_in_feed(json.loads(released_text), json.loads(text))
    if breaks:
        stop(
            "\n".join(breaks) + f"\nThis breaks who relies on {released_file.relative_to(ROOT)}."
            " CONTRIBUTING.md says what to do instead, under Releasing.",
            ExitCode.CHECK_FAILED,
        )


def event_schemas() -> str:
    """Return one document: each event type by topic, with its version and its JSON Schema."""
    document: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wardbook events",
        "events": {
            topic: {
                "version": event.VERSION,
                "schema": _published_schema(_as_stored(_schema_of(event))),
            }
            for topic, event in sorted(EVENTS.items())
        },
    }
    return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _schema_of(event: type[Event]) -> Any:
    """Return the JSON Schema of an event, without the docstring of its class: that is internal."""
    schema = msgspec.json.schema(event)
    schema["$defs"][event.__name__].pop("description", None)
    return schema


CIPHERTEXT = {
    "description": f"A sealed text, as it is stored: {REDACTED} once its key is destroyed.",
    "type": "string",
    "pattern": f"^{SEAL}[A-Za-z0-9+/]+=*$",
}


def _as_stored(schema: Any) -> Any:
    """Return a JSON Schema in which a sealed field may be its text, or the ciphertext of it."""
    if isinstance(schema, list):
        return [_as_stored(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {key: _as_stored(part) for key, part in schema.items()}
    if not parts.pop("x-sealed", False):
        return parts
    return {"x-sealed": True, "anyOf": [parts, CIPHERTEXT]}


PUBLISHED_NAMES = {
    "CancellationReason": "Because",
    "DischargePlan": "Plan",
    "Envelope": "Entry",
}
"""Names in the published event schemas of types that have another name in the code."""

_REF = "#/$defs/"


def _published_schema(schema: Any) -> Any:
    """Return a JSON Schema with the published names of the types that it defines."""
    if isinstance(schema, list):
        return [_published_schema(part) for part in schema]
    if isinstance(schema, dict):
        schema = {
            PUBLISHED_NAMES.get(key, key): _published_schema(part) for key, part in schema.items()
        }
        if isinstance(text := schema.get("description"), str):
            schema["description"] = _description(text)
        return schema
    if isinstance(schema, str):
        ref = _REF if schema.startswith(_REF) else ""
        return ref + PUBLISHED_NAMES.get(schema.removeprefix(ref), schema.removeprefix(ref))
    return schema


def _description(docstring: str) -> str:
    """Return a docstring as published: the same text, whichever Python compiled it.

    Python 3.13 strips the indentation that earlier ones keep. The first published schemas were made by
    an earlier one, so each further line is indented by four spaces.
    """
    first, *lines = cleandoc(docstring).splitlines()
    return "\n".join([first, *(f"    {line}" if line else "" for line in lines)])
