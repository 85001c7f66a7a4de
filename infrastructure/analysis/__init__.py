"""History for analysts: tables to query in SQL, and events to fold in Python.

Both are as known at any position of the log. Nothing in the tables identifies a patient by name.
"""

from infrastructure.analysis.events import history
from infrastructure.analysis.loading import (
    DuckDBMissing,
    InvalidQuery,
    export_history,
    query_history,
)
from infrastructure.analysis.tables import TABLES, Column, HistoryTable

__all__ = [
    "TABLES",
    "Column",
    "DuckDBMissing",
    "HistoryTable",
    "InvalidQuery",
    "export_history",
    "history",
    "query_history",
]
