"""The command ``schema``: the schemas of GraphQL, the events and the feed, and whether they are kept."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from api.cli.terminal import Exit, out, stop
from api.graphql.schema import sdl
from api.public_events import feed_schema
from domain.events import EVENTS

app = typer.Typer()

ROOT = Path(__file__).resolve().parent.parent.parent
SDL_FILE = ROOT / "docs" / "schema.graphql"
EVENTS_FILE = ROOT / "docs" / "events.schema.json"
FEED_FILE = ROOT / "docs" / "feed.schema.json"


@app.command()
def schema(
    events: Annotated[
        bool, typer.Option("--events", help="The JSON Schemas of the events instead.")
    ] = False,
    feed: Annotated[
        bool, typer.Option("--feed", help="The JSON Schema of the feed instead.")
    ] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Only compare with the one that is kept.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="Keep it, in docs/.")] = False,
) -> None:
    """Print the GraphQL schema (SDL), or the JSON Schema of the events or of the feed."""
    if events:
        told, file, option = event_schemas(), EVENTS_FILE, "--events "
    elif feed:
        told, file, option = feed_schema(), FEED_FILE, "--feed "
    else:
        told, file, option = sdl(), SDL_FILE, ""
    if write:
        file.write_text(told)
    elif not check:
        sys.stdout.write(told)
    elif not file.exists() or file.read_text() != told:
        stop(
            f"{file.relative_to(ROOT)} is not what the program says. "
            f"If the change is meant, run: wardbook schema {option}--write",
            Exit.CHECK_FAILED,
        )
    else:
        out.print(f"{file.relative_to(ROOT)} is what the program says.")


def event_schemas() -> str:
    """One document: each event type by topic, with its version and its JSON Schema."""
    told: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Wardbook events",
        "events": {
            topic: {"version": event.VERSION, "schema": msgspec.json.schema(event)}
            for topic, event in sorted(EVENTS.items())
        },
    }
    return json.dumps(told, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
