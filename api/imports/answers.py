"""Answers to commands that an import gives."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec

from application.command import Recorded, Request
from domain.refusals import Refusal, VersionConflict

P = ParamSpec("P")


def answer_to(
    command: Callable[Concatenate[Request, P], Recorded],
    request: Request,
    *args: P.args,
    **content: P.kwargs,
) -> Recorded | Refusal:
    """Give a command; a refusal is an answer too.

    Raises VersionConflict if others write the same all the time: that says nothing of what is imported.
    """
    try:
        return command(request, *args, **content)
    except VersionConflict:
        raise
    except Refusal as refusal:
        return refusal
