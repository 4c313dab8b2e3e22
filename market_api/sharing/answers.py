"""What the protocol says of a table: lines of JSON about its columns and its files, in the parquet format."""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from fastapi.responses import Response

from market_api.delivery.manifests import CopyFile
from market_api.fingerprint.column_types import sql_type_of
from market_api.problems import Problem

NDJSON = "application/x-ndjson; charset=utf-8"
VERSION = "Delta-Table-Version"
CAPABILITIES = "Delta-Sharing-Capabilities"
FORMAT = "responseformat=parquet"

TYPES = {
    "varchar": "string",
    "tinyint": "byte",
    "smallint": "short",
    "bigint": "long",
    "utinyint": "short",
    "usmallint": "integer",
    "uinteger": "long",
    "ubigint": "decimal(20,0)",
    "timestamptz": "timestamp",
    **{name: name for name in ("boolean", "integer", "float", "double", "date", "timestamp")},
}
"""The engine's types in the words of the protocol."""

Document = Mapping[str, Any]
Line = Mapping[str, Any]


def lines_answer(version: int, lines: Sequence[Line]) -> Response:
    """Lines as they are answered, with the version of the table."""
    text = "".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines)
    return Response(text, 200, {VERSION: str(version), CAPABILITIES: FORMAT}, NDJSON)


def protocol_line() -> Line:
    """What a reader must know."""
    return {"protocol": {"minReaderVersion": 1}}


def metadata_line(
    document: Document, public_url: str, files: Sequence[CopyFile] = (), version: int | None = None
) -> Line:
    """What a release is. document: its datasheet; files: of the copy, where there is one; version: where one was asked
    for. Raises Problem `not_cleared` for a type of column that the protocol does not know."""
    component, contract = document["component"], document["contract"]
    told = {
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"{public_url}/v1/components/{component}")),
        "name": component,
        "description": contract["description"],
        "format": {"provider": "parquet"},
        "schemaString": json.dumps(schema_of(document), ensure_ascii=False, separators=(",", ":")),
        "partitionColumns": [],
    }
    if files:
        told |= {"size": sum(each.bytes for each in files), "numFiles": len(files)}
    return {"metaData": told if version is None else {**told, "version": version}}


def file_line(file: CopyFile, url: str, expires_ms: int, at_version: Mapping[str, int]) -> Line:
    """One file. at_version: `version` and `timestamp`, where a version was asked for."""
    told = {
        "url": url,
        "id": file.sha256[:32],
        "partitionValues": {},
        "size": file.bytes,
        "stats": json.dumps({"numRecords": file.rows}),
        "expirationTimestamp": expires_ms,
    }
    return {"file": {**told, **at_version}}


def schema_of(document: Document) -> dict[str, Any]:
    """The columns of a release as Spark's JSON writes a schema. Raises Problem `not_cleared`."""
    described = {each["name"]: each["description"] for each in document["contract"]["columns"]}
    return {"type": "struct", "fields": list(_fields(document, described))}


def _fields(document: Document, described: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for column in document["table"]["columns"]:
        name = column["name"]
        yield {
            "name": name,
            "type": _type_of(column["type"], name),
            "nullable": True,
            "metadata": {"comment": described[name]} if name in described else {},
        }


def _type_of(stated: str, name: str) -> str:
    sql_type = sql_type_of(stated) or ""
    if sql_type.startswith("decimal"):
        return sql_type.replace(" ", "")
    if sql_type not in TYPES:
        raise Problem(
            "not_cleared", f"Delta Sharing has no type for the column '{name}'; pull it from /v1/components instead."
        )
    return TYPES[sql_type]
