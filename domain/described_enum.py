"""The base class of enumerations that every interface describes alike."""

from enum import StrEnum
from typing import Self


class DescribedEnum(StrEnum):
    """An enumeration whose members are written as value and description: ``HOME = "HOME", "…"``.

    The value alone is stored and compared; interfaces show the description with it.
    """

    description: str

    def __new__(cls, value: str, description: str = "") -> Self:
        if not description:  # it has a default for type checkers: Sex("MALE") looks a member up
            raise TypeError(f"{value!r} of {cls.__name__} has no description")
        member = str.__new__(cls, value)
        member._value_ = value
        member.description = description
        return member

    @classmethod
    def member_of(cls, value: str) -> Self | None:
        """Return the member of a value; None if there is none."""
        return cls._value2member_map_.get(value)  # type: ignore[return-value]
