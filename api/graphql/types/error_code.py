"""The codes of errors and refusals, as a GraphQL enum."""

import strawberry

from api.errors import CODES, error_code
from domain.clinical_refusals import AllergyKnown
from domain.described_enum import DescribedEnum
from domain.erasure import ErasureImpossible
from domain.refusals import Refusal

assert {AllergyKnown, ErasureImpossible} <= {*Refusal.__subclasses__()}, "all are defined"


def first_line(kind: type) -> str:
    """Return the first line of a class's docstring."""
    return (kind.__doc__ or "").partition("\n")[0]


class ErrorCode(DescribedEnum):
    """The codes of errors and of refusals, in one style."""

    _ignore_ = ["name", "meaning", "refusal"]
    for name, meaning in CODES.items():
        locals()[name] = name, meaning
    for refusal in Refusal.__subclasses__():
        locals()[error_code(refusal.__name__)] = (
            error_code(refusal.__name__),
            first_line(refusal),
        )


strawberry.enum(ErrorCode, description="Why something was not done, for programs.")
