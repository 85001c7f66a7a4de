"""The end of a command by a signal: of the keyboard, of who ends processes, of a terminal that closes.

A command that is to go on, as `serve`, handles SIGTERM itself and ends with 0.
"""

import signal
from types import FrameType

from api.exit_codes import INTERRUPTION, TERMINATION, ExitCode

_received: list[int] = []
"""The signals by which this process was ended."""


def end_at_signals() -> None:
    """Let SIGTERM end a command as Ctrl-C does, and SIGHUP as SIGTERM, if it is not ignored (nohup)."""
    _received.clear()
    signal.signal(signal.SIGTERM, _end)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))


def _end(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, for which everything is prepared."""
    _received.append(number)
    raise KeyboardInterrupt


def ending() -> tuple[str, ExitCode]:
    """Return the sentence and the exit code of the end by a signal."""
    if _received:
        return TERMINATION, ExitCode.TERMINATED
    return INTERRUPTION, ExitCode.INTERRUPTED
