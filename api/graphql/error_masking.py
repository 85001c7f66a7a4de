"""What a fault may say: never a value that was sent, since a value may be a patient's name."""

import re

from domain.refusals import AlreadyExists, NotFound, Refusal

_VALUES = (
    (
        re.compile(r"^Syntax Error(?!: Document contains more than \d+ tokens).*", re.DOTALL),
        "Syntax Error: this cannot be read as GraphQL.",
    ),
    (re.compile(r"(cannot represent [^:]*):.*", re.DOTALL), r"\1."),
    (re.compile(r",? found:? .*", re.DOTALL), "."),
    (re.compile(r"Value .* does not exist in '(\w+)' enum.*", re.DOTALL), r"No value of '\1'."),
    (re.compile(r"unknown field '.*'", re.DOTALL), "unknown field"),
    (re.compile(r"^Unknown operation named .*", re.DOTALL), "The document has no such operation."),
)
"""How graphql-core ends a sentence with a value, and what is left of it."""


def without_values(message: str) -> str:
    """A message of graphql-core about a malformed operation, without the values in it."""
    for value, left in _VALUES:
        message = value.sub(left, message)
    return message


def told_of(refusal: Refusal) -> str:
    """What a refusal says as a fault, without the name that was looked for."""
    if isinstance(refusal, NotFound):
        return f"There is no such {refusal.what}."
    if isinstance(refusal, AlreadyExists):
        return f"There is already such a {refusal.what}."
    return refusal.message
