"""The errors of this program: one base class, and a small tree under it by what to do about them.

`domain.refusals.Refusal` is the fourth branch: an ordinary answer to a command.
"""


class WardbookError(Exception):
    """Base class of every error that this program raises by itself; its text is for people."""


class TransientError(WardbookError):
    """An error that goes away by itself: the same call may succeed later."""


class ConfigurationError(WardbookError):
    """An error of the settings or of the installation: somebody has to change them."""


class IntegrityError(WardbookError):
    """Stored data that this program cannot read, or that contradict each other."""
