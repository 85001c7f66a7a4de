"""Hostile documents: each as much work as the limits of characters and tokens allow."""

from uuid import uuid4

HOSTILE = {
    "unknown": lambda: "{ " + " ".join(f"b{n} {{ c d e f g h }}" for n in range(540)) + " }",
    "deep": lambda: "{ " + "a { " * 1200 + "b" + " }" * 1200 + " }",
    "list": lambda: "{ patient(mrn: [" + "1 " * 4900 + "]) { id } }",
    "object": lambda: "{ patient(mrn: {" + "a: 1 " * 1600 + "}) { id } }",
    "variables": lambda: "query (" + " ".join(f"$a{n}: Int" for n in range(1200)) + ") { a }",
    "fragments": lambda: "{ none wards { ...F0 } } " + " ".join(
        f"fragment F{n} on Ward {{ name {' '.join(f'...F{m}' for m in range(n + 1, min(99, n + 12)))} }}"
        for n in range(99)
    ),
    "literal": lambda: '{ patient(mrn: "' + "x" * 49_000 + '", a: 1) { id } }',
    "block": lambda: '{ patient(mrn: """' + "x\n" * 24_000 + '""", a: 1) { id } }',
    "aliases": lambda: "{ wards { " + " ".join(f"n{n}: name" for n in range(1600)) + " } }",
    "arguments": lambda: "{ " + " ".join(
        f'a{n}: patient(mrn: "x", z: 3, y: 4, x: 5, w: 6, v: 7, u: 8, t: 9) {{ id }}'
        for n in range(95)
    ) + " }",
    "no end": lambda: "{ wards { " * 400,
}  # fmt: skip
"""Documents by the kind of work; none of them is answered."""


def hostile(kind: str) -> str:
    """Return a document that was never sent before."""
    return f"# {uuid4()}\n{HOSTILE[kind]()}"
