"""Why an expectation could not be evaluated, told without any value of the data."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import duckdb

STATEMENT_ERRORS = frozenset(
    {"BinderException", "CatalogException", "ParserException", "SyntaxException", "NotImplementedException",
     "OutOfMemoryException", "PermissionException", "InterruptException"}
)  # fmt: skip
"""DuckDB errors whose text speaks of the statement; the text of any other may quote the data."""


def messages_of(exception_info: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """The (traceback, message) pairs of what was raised; empty where nothing was."""
    info = exception_info or {}
    parts = [info] if "raised_exception" in info else [part for part in info.values() if isinstance(part, dict)]
    return [
        (str(part.get("exception_traceback") or ""), str(part.get("exception_message") or ""))
        for part in parts
        if part.get("raised_exception")
    ]


def cause_of_error(error: BaseException, known: Iterable[str]) -> str:
    """The cause of one error, that of the driver below it where there is one; known: names that may be quoted."""
    if hasattr(error, "errors") and callable(error.errors):  # arguments that GX refuses: the contract's, no data
        refused = dict.fromkeys(f"{line['loc'][0]}: {line['msg']}" for line in error.errors())
        return f"{type(error).__name__}: {'; '.join(refused)}"[:200]
    original = getattr(error, "orig", None) or error
    return _cause_of(type(original).__name__, str(original), known)


def cause_of_messages(messages: list[tuple[str, str]], known: Iterable[str]) -> str:
    """One cause for all that was raised: the first whose type is known."""
    trace, message = messages[0]
    driver = re.search(r"\((?:_?duckdb\.)*(\w+)\)\s*(.*)", message, re.DOTALL)
    if driver:
        return _cause_of(driver[1], driver[2], known)
    raised = re.findall(r"^(?:[\w.]+\.)?(\w+(?:Error|Exception|Warning))\b(?::|$)", trace, re.MULTILINE)
    return _cause_of(raised[0] if raised else "Error", message, known)


def _cause_of(type_name: str, message: str, known: Iterable[str]) -> str:
    """A cause without values of the data: the type and the first line of what was said, quotes and numbers removed.

    A DuckDB error that may speak of the data keeps only its type.
    """
    if type_name.endswith("Exception") and hasattr(duckdb, type_name) and type_name not in STATEMENT_ERRORS:
        return f"{type_name}: a value of the data could not be processed"
    line = next(iter(message.splitlines()), "")
    if type_name not in STATEMENT_ERRORS:
        # a quoted text that is no column may be a value, and what follows it or a colon part of that value
        for quote in re.finditer(r"['\"]([^'\"]*)['\"]?", line):
            if quote[1] not in set(known):
                line = line[: quote.start()] + "…"
                break
        line = re.sub(r"\d{2,}", "#", line.split(": ", 1)[0])
    return f"{type_name}: {line[:200]}".rstrip(": ")
