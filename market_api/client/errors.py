"""What the market refuses, as its client raises it."""

from collections.abc import Mapping
from typing import Any


class MarketError(Exception):
    """A refusal by the market. status: of HTTP; code: stable, explained in docs/errors.md; detail: the true cause and
    what to do; field: where it lies in the request; request_id: what the operator finds it by; document: all of it."""

    def __init__(self, status: int, document: Mapping[str, Any]) -> None:
        self.status = status
        self.code = str(document.get("code") or document.get("error") or "unknown")
        self.detail = str(document.get("detail") or document.get("error_description") or f"Status {status}, no reason.")
        self.field = str(document.get("field", ""))
        self.request_id = str(document.get("instance", "")).rpartition(":")[2]
        self.document = dict(document)
        super().__init__(f"{self.code}: {self.detail}")
