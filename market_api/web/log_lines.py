"""Structured logs: one JSON object a line. A line has fields that are named here and no others.

No token, body, query, name or address is among them. An exception is told by its kind and the places it came through:
its message may hold a value that somebody sent.
"""

import json
import logging
import traceback
from datetime import UTC, datetime

LOGGER = "jinku.market"
FIELDS = ("request_id", "method", "route", "status", "milliseconds", "participant_id", "error", "task", "code")
PLACES_MAX = 30

LOG = logging.getLogger(LOGGER)


class JsonLines(logging.Formatter):
    """Formats a record as a line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; a record of another library keeps its message, for this one's own are fixed texts."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if getattr(record, name, None) is not None}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = type(record.exc_info[1]).__name__
            line["places"] = places_of(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def places_of(error: BaseException) -> list[str]:
    """Where an exception came through, the innermost last: files, lines and functions, nothing of their values."""
    frames = traceback.extract_tb(error.__traceback__)[-PLACES_MAX:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def write_json_lines() -> None:
    """Have this process write its logs so, on standard error."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx", "alembic"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    logging.getLogger("httpx").setLevel(logging.WARNING)
