"""Exit codes of the command line."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no database, 4 a check failed.

    130: interrupted from the keyboard. 143: ended by SIGTERM, or by SIGHUP of a terminal that closes.
    """

    DONE = 0
    REFUSED = 1
    USAGE = 2
    NO_DATABASE = 3
    CHECK_FAILED = 4
    INTERRUPTED = 130
    TERMINATED = 143


INTERRUPTION = "Interrupted."
"""The sentence for an interruption from the keyboard."""

TERMINATION = "Ended by a signal."
"""The sentence for an end by SIGTERM or SIGHUP."""
