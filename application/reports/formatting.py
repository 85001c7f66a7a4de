"""Formatting of figures: the only place where they are rounded."""

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from application.reports.definition import Definition, Row


def format_value(definition: Definition, row: Row) -> str:
    """Return a value as text, rounded half up to the decimals of its figure; ``-`` for None."""
    if row.value is None:
        return "-"
    decimals = next(f.decimals for f in definition.figures if f.name == row.figure)
    value = Fraction(row.value)
    exact = Decimal(value.numerator) / Decimal(value.denominator)
    return str(exact.quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP))
