"""Errors of the vault: few, each with a code, what happened, where, and what to do."""

from collections.abc import Mapping


class JinkuError(Exception):
    """A failure a person can act on. It never carries a personal value.

    code: stable, documented in docs/errors.md; what: the true cause; where: file, table or batch;
    action: what to do next.
    """

    def __init__(self, code: str, what: str, where: str, action: str) -> None:
        super().__init__(code, what, where, action)
        self.code = code
        self.what = what
        self.where = where
        self.action = action

    def __str__(self) -> str:
        return f"{self.code}: {self.what} ({self.where}). {self.action}"


class BatchRefused(Exception):
    """A batch that cannot be loaded as a whole; it is quarantined and its bytes are kept.

    reason: one of the documented reasons; detail: what exactly, without any value of the data;
    records: how many records each table of the batch held, as far as they were counted.
    """

    def __init__(self, reason: str, detail: str, records: Mapping[str, int] | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.records = dict(records or {})

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"
