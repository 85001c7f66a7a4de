"""Released schemas of stored events, as the last program wrote them, and examples."""

import json
from typing import Any

from hypothesis import strategies as st

from api.cli.schema import EVENTS_FILE, RELEASED

EVENTS_THEN: dict[str, Any] = json.loads(
    (EVENTS_FILE.parent / RELEASED / EVENTS_FILE.name).read_text()
)["events"]
"""Version and JSON Schema of each stored event of the released program, by topic."""

FORMATS = {
    "uuid": st.uuids().map(str),
    "date-time": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z"),
    "time": st.times().map(lambda time: time.isoformat(timespec="microseconds")),
    "date": st.dates().map(str),
}

TIMES = {"census_time"}
"""Fields that are times of a day, which their schema does not say."""


def stored_then(topic: str) -> st.SearchStrategy[Any]:
    """Whatever the released program may have stored of a topic."""
    schema = EVENTS_THEN[topic]["schema"]
    return _values(schema, schema["$defs"])


def _values(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return _values(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        return st.one_of([_values(kind, definitions) for kind in schema["anyOf"]])
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "const" in schema:
        return st.just(schema["const"])
    bounds = {"min_size": schema.get("minLength", 0), "max_size": schema.get("maxLength", 30)}
    match schema.get("type"):
        case "object":
            return _objects(schema, definitions)
        case "array":
            if "prefixItems" in schema:
                return st.tuples(
                    *(_values(item, definitions) for item in schema["prefixItems"])
                ).map(list)
            items = _values(schema["items"], definitions)
            return st.lists(items, min_size=schema.get("minItems", 0), max_size=3)
        case "string" if "format" in schema:
            return FORMATS[schema["format"]]
        case "string" if "pattern" in schema:
            return st.from_regex(schema["pattern"], fullmatch=True)
        case "string":
            longest = min(bounds["max_size"], bounds["min_size"] + 30)
            return st.text(
                st.characters(exclude_categories=("Cs", "Cc")),
                min_size=bounds["min_size"],
                max_size=longest,
            )
        case "integer":
            return st.integers(schema.get("minimum", 0), schema.get("maximum", 10**6))
        case "number":
            return st.floats(schema.get("minimum", 0), schema.get("maximum", 10**6))
        case "boolean":
            return st.booleans()
        case "null":
            return st.none()
    raise AssertionError(f"no example of {schema}")


def _objects(schema: dict[str, Any], definitions: dict[str, Any]) -> st.SearchStrategy[Any]:
    fields = {
        name: FORMATS["time"] if name in TIMES else _values(member, definitions)
        for name, member in schema.get("properties", {}).items()
    }
    needed = set(schema.get("required", ()))
    return st.fixed_dictionaries(
        {name: values for name, values in fields.items() if name in needed},
        optional={name: values for name, values in fields.items() if name not in needed},
    )
