"""Logs as lines of JSON, each with the ids of its request and its command, without patients' data.

Of an error only its type and where it happened are written: its text may contain a value of the
database.
"""

import json
import logging
import sys
import traceback
from contextvars import ContextVar
from datetime import UTC, datetime

REQUEST_ID: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The id of the HTTP request or WebSocket that is responded to: `api.http.middleware.RequestId`."""

COMMAND_ID: ContextVar[str | None] = ContextVar("command_id", default=None)
"""The id of the last command of the operation: `api.graphql.mutations.dispatch`."""


class JsonLines(logging.Formatter):
    """Format a record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for variable in (REQUEST_ID, COMMAND_ID):
            if id := variable.get():
                line[variable.name] = id
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["at"] = [
                f"{frame.filename}:{frame.lineno} {frame.name}"
                for frame in traceback.extract_tb(record.exc_info[2])
            ]
        return json.dumps(line)


def begin() -> None:
    """Write warnings and errors of this process to its standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
