"""The published JSON schema of datasheets (JSON Schema, draft 2020-12), and what in a document is not as it says."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from vault.releases.datasheet import Document

SCHEMA = Path(__file__).parent / "datasheet.schema.json"
FAULTS_TOLD = 5


def datasheet_schema() -> dict[str, Any]:
    """The schema, as it is published."""
    schema: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    return schema


def schema_faults(document: Document) -> tuple[str, ...]:
    """What in a datasheet is not as the schema says, by its place, without any value of it; at most five."""
    faults = sorted(_validator().iter_errors(document), key=lambda error: [str(step) for step in error.absolute_path])
    return tuple(
        f"{'/'.join(str(step) for step in error.absolute_path) or 'the document'}: not as '{error.validator}' asks"
        for error in faults[:FAULTS_TOLD]
    )


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

    return Draft202012Validator(datasheet_schema())
