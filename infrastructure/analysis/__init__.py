"""The history for analysts: as tables asked in SQL, and as events folded in Python.

Both as known at any position of the log. Nothing in the tables names a patient.
"""

from infrastructure.analysis.events import history
from infrastructure.analysis.loading import BadQuestion, NotInstalled, asked, exported
from infrastructure.analysis.tables import TABLES, Column, HistoryTable

__all__ = [
    "TABLES",
    "BadQuestion",
    "Column",
    "HistoryTable",
    "NotInstalled",
    "asked",
    "exported",
    "history",
]
