"""Breaking changes of a schema for clients of the last released one."""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import Any

from graphql import build_schema, find_breaking_changes, find_dangerous_changes

Schema = Mapping[str, Any]


class Direction(Enum):
    """Direction of compatibility: old data and a new schema, or new data and an old one."""

    FEED = "data of the new schema, read by a client of the old one"
    STORED = "data of the old schema, read by a program with the new one"


def broken_in_sdl(released: str, now: str) -> list[str]:
    """Return the changes of a GraphQL schema that break a client."""
    changes = find_breaking_changes(build_schema(released), build_schema(now))
    return [change.description for change in changes]


def dangerous_in_sdl(released: str, now: str) -> list[str]:
    """Return the changes that may break a careless client: a new value, another default."""
    changes = find_dangerous_changes(build_schema(released), build_schema(now))
    return [change.description for change in changes]


def broken_in_feed(released: Schema, now: Schema) -> list[str]:
    """Return the changes that break readers of the feed. A version stays as it was; others may come."""
    before, after = _of_any_type(released), _of_any_type(now)
    breaks = list(_differences(before, after, "an event of the feed", Direction.FEED))
    versions = {definition["$id"]: definition for definition in now["$defs"].values()}
    for name, old in released["$defs"].items():
        if old["$id"] in versions:
            breaks += _differences(old, versions[old["$id"]], name, Direction.FEED)
        else:
            breaks.append(f"{old['$id']} is gone")
    return breaks


def _of_any_type(schema: Schema) -> Schema:
    """Return the schema of an event without the list of types: who reads a feed skips unknown ones."""
    kind = {k: v for k, v in schema["properties"]["type"].items() if k != "enum"}
    return {**schema, "properties": {**schema["properties"], "type": kind}}


def broken_in_events(released: Schema, now: Schema) -> list[str]:
    """Return which stored events could not be read. A new version of an event reads the old ones."""
    breaks = []
    for topic, old in released["events"].items():
        new = now["events"].get(topic)
        if new is None:
            breaks.append(f"{topic} is gone")
        elif new["version"] < old["version"]:
            breaks.append(f"{topic} has an older version than was released")
        elif new["version"] == old["version"]:
            before, after = (_inline(s["schema"], s["schema"]["$defs"]) for s in (old, new))
            breaks += _differences(before, after, topic, Direction.STORED)
    return breaks


def _differences(old: Schema, new: Schema, at: str, direction: Direction) -> Iterator[str]:
    """Yield the differences that break, each with its place."""
    writer, read = (new, old) if direction is Direction.FEED else (old, new)
    if "anyOf" in old or "anyOf" in new:
        for kind in _alternatives(writer):
            if all(_either(kind, other, at, direction) for other in _alternatives(read)):
                yield f"{at} may be what it could not be"
                return
        return
    fields = new.get("properties", {})
    for name, field in old.get("properties", {}).items():
        if name in fields:
            yield from _differences(field, fields[name], f"{at}.{name}", direction)
        else:
            yield f"{at}.{name} is gone"
    fields_needed = set(read.get("required", ())) & set(read.get("properties", {}))
    for name in sorted(fields_needed - set(writer.get("required", ()))):
        if name in fields:
            yield f"{at}.{name} may be absent, and is needed"
    items, others = old.get("items"), new.get("items")
    if isinstance(items, dict) and isinstance(others, dict):
        yield from _differences(items, others, f"{at}[]", direction)
    elif items != others:
        yield f"{at} is of another kind"
    if not set(writer.get("enum", ())) <= set(read.get("enum", writer.get("enum", ()))):
        yield f"{at} may have a value that is not known"
    for bound, fits in _BOUNDS.items():
        if bound in read and (bound not in writer or not fits(writer[bound], read[bound])):
            yield f"{at} may be out of bounds ({bound})"
    if {k: v for k, v in old.items() if k not in _SEEN} != {
        k: v for k, v in new.items() if k not in _SEEN
    }:
        yield f"{at} is of another kind"


def _either(writer: Schema, read: Schema, at: str, direction: Direction) -> list[str]:
    old, new = (read, writer) if direction is Direction.FEED else (writer, read)
    return list(_differences(old, new, at, direction))


def _alternatives(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _inline(schema: Any, definitions: Schema, within: tuple[str, ...] = ()) -> Any:
    """Return a schema with definitions in the place of references; not those that contain themselves."""
    if isinstance(schema, list):
        return [_inline(part, definitions, within) for part in schema]
    if not isinstance(schema, dict):
        return schema
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in definitions and name not in within:
        return _inline(definitions[name], definitions, (*within, name))
    return {
        key: _inline(part, definitions, within) for key, part in schema.items() if key != "$defs"
    }


_BOUNDS: Mapping[str, Callable[[Any, Any], bool]] = {
    "maxLength": lambda written, read: written <= read,
    "minLength": lambda written, read: written >= read,
    "maximum": lambda written, read: written <= read,
    "minimum": lambda written, read: written >= read,
}
_SEEN = {
    *(
        "title",
        "description",
        "default",
        "properties",
        "required",
        "items",
        "enum",
        "anyOf",
        "x-sealed",
    ),
    *("$defs", "allOf", *_BOUNDS),
}
"""Keywords that are compared above, or say nothing about data. ``allOf`` names each type's schema."""
