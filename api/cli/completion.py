"""Completion in shells, where that of typer leaves something out.

It completes no ``--option=value``, and breaks a description into lines, each a completion to fish.
"""

from typer import _completion_classes
from typer._click.shell_completion import (
    CompletionItem,
    ShellComplete,
    _available_shells,
    add_completion_class,
)


class JoinedValues(ShellComplete):
    """A shell that has a value completed as it is written: behind its option and ``=``, too."""

    def get_completions(self, args: list[str], incomplete: str) -> list[CompletionItem]:
        if args[-1:] == ["="]:  # bash takes option, = and value for three words
            args = args[:-1]
        items = super().get_completions(args, incomplete)
        option, sign, _ = incomplete.partition("=")
        if option and sign:
            for item in items:
                item.value = f"{option}={item.value}"
        return items


for name, shell in tuple(_available_shells.items()):
    add_completion_class(type(shell.__name__, (JoinedValues, shell), {}), name)


def _as_it_is(text: str) -> str:
    """Return a help, of which none has markup to take out."""
    return text


_completion_classes._sanitize_help_text = _as_it_is
