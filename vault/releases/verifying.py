"""Verifying a release: everything that can be computed again is, from its folder and the vault's public keys alone.

Where the vault is at hand, its records are asked too: the release itself, the review behind S, and the price. Problems
are values; a release without any is what the vault signed.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from vault.append_only import for_reading
from vault.errors import JinkuError
from vault.home import Home
from vault.registry.database import registry_path
from vault.releases.datasheet import DATASHEET, TABLE, Document, datasheet_hash, hash_of, hashes_of, plain
from vault.releases.gate import causes_against, price_causes, review_on_record
from vault.releases.reading import read_datasheet, release_folder, unsigned
from vault.releases.register import release_by_id
from vault.releases.schema import schema_faults
from vault.releases.table_files import file_hash, read_table
from vault.signing import canonical, verify_signature
from vault.snapshot import snapshot_hash
from vault.valuations import valuations_of

About = Literal["datasheet", "signature", "file", "rows", "hash", "gate", "record", "price"]
ALL = 2**31
"""More valuations than any component has."""

Keys = Mapping[str, Ed25519PublicKey]


@dataclass(frozen=True)
class Problem:
    """One way in which a release is not what was signed. where: a file, a record or a part of the datasheet."""

    about: About
    what: str
    where: str

    def __str__(self) -> str:
        return f"{self.what} ({self.where})"


def verify(path: Path, public_keys: Keys, home: Home | None = None, expected: str = "") -> tuple[Problem, ...]:
    """What is wrong with a release; empty where nothing is.

    path: its folder or its datasheet; home: that of the vault which made it, where its records are to be asked: no key
    is needed; expected: the release that it should be, such as 'zone_hourly_mobility@3'.
    """
    folder = release_folder(path)
    try:
        document = read_datasheet(folder)
        canonical(document)
    except JinkuError as error:
        return (Problem("datasheet", error.what, error.where),)
    except ValueError:
        return (Problem("datasheet", "it holds what has no canonical form", DATASHEET),)
    if faults := schema_faults(document):
        return tuple(Problem("datasheet", fault, DATASHEET) for fault in faults)
    problems = [*_signature_problems(document, public_keys), *_file_problems(folder, document)]
    if not problems:  # what nobody known has signed is not given to the engine
        problems += _row_problems(folder, document)
    problems += [*_name_problems(document, expected), *_content_problems(document)]
    if home is not None:
        problems += _record_problems(home, document)
    return tuple(problems)


def _signature_problems(document: Document, public_keys: Keys) -> Iterator[Problem]:
    signature = document["signature"]
    if signature["key_id"] not in public_keys:
        known = ", ".join(sorted(public_keys)) or "none"
        yield Problem("signature", f"it is signed by the unknown key {signature['key_id']}; known: {known}", DATASHEET)
    elif not verify_signature(unsigned(document), signature, public_keys):
        yield Problem("signature", "the signature is not that of this datasheet", DATASHEET)


def _name_problems(document: Document, expected: str) -> Iterator[Problem]:
    if document["release"] != f"{document['component']}@{document['number']}":
        yield Problem("datasheet", "its name is not its component and number", "release")
    if expected and document["release"] != expected:
        yield Problem("datasheet", f"it is the datasheet of {document['release']}, not of {expected}", "release")


def _file_problems(folder: Path, document: Document) -> Iterator[Problem]:
    """Files that are missing, altered or more than the datasheet states: one too many would be read as rows."""
    stated = {each["path"]: each for each in document["files"]}
    if len(stated) != len(document["files"]):
        yield Problem("file", "a file is stated twice", "files")
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if not _is_folder(path)}
    found.pop(DATASHEET, None)
    for name in sorted({*stated, *found}):
        if name not in found:
            yield Problem("file", "the file is missing", name)
        elif name not in stated:
            yield Problem("file", "the datasheet does not know this file", name)
        elif found[name].is_symlink() or not found[name].is_file():
            yield Problem("file", "it is no plain file", name)
        elif _is_altered(found[name], stated[name]):
            yield Problem("file", "the file was altered", name)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _is_altered(path: Path, stated: Document) -> bool:
    try:
        return (path.stat().st_size, file_hash(path)) != (stated["bytes"], stated["sha256"])
    except OSError:
        return True


def _row_problems(folder: Path, document: Document) -> Iterator[Problem]:
    """The rows once more: their count, their columns and the hash of their content, whatever file they lie in."""
    import duckdb
    import ibis

    connection = duckdb.connect(config={"autoinstall_known_extensions": False})
    try:
        connection.execute("set timezone = 'UTC'")
        connection.execute("set enable_progress_bar = false")
        table = read_table(ibis.duckdb.from_connection(connection), folder)
        if table.count().to_pyarrow().as_py() != document["table"]["rows"]:
            yield Problem("rows", "there are not as many rows as stated", TABLE)
        stated = [(each["name"], each["type"]) for each in document["table"]["columns"]]
        if [(name, str(kind)) for name, kind in table.schema().items()] != stated:
            yield Problem("rows", "the columns are not those stated", TABLE)
        if snapshot_hash(table) != document["hashes"]["data"]:
            yield Problem("rows", "the rows are not those that were reviewed and priced", TABLE)
    except duckdb.Error as error:
        yield Problem("rows", f"the rows cannot be read ({type(error).__name__})", TABLE)
    finally:
        connection.close()


def _content_problems(document: Document) -> Iterator[Problem]:
    """The hashes of the parts, and the gate once more as of the moment of release."""
    stated = document["hashes"]
    found = hashes_of(document, stated["data"], stated["model"], stated["contracts"])
    for name in sorted(found):
        if found[name] != stated[name]:
            yield Problem("hash", "the part is not what its hash states", name)
    for cause in causes_against(document, document["published_at"]):
        yield Problem("gate", cause, "review, price, rights")


def _record_problems(home: Home, document: Document) -> Iterator[Problem]:
    path = registry_path(home)
    if not path.exists():
        yield Problem("record", "the vault has no registry", str(path))
        return
    try:
        with for_reading(path).begin() as connection:
            release = release_by_id(connection, document["release"])
            review_causes = review_on_record(connection, document, newest=False)
    except (sa.exc.DBAPIError, ValueError, KeyError):
        yield Problem("record", "the registry cannot be read", str(path))
        return
    if release is None:
        yield Problem("record", "the vault has no record of this release", document["release"])
    elif release.datasheet_hash != datasheet_hash(document):
        yield Problem("record", "the vault released it with another datasheet", document["release"])
    for cause in review_causes:
        yield Problem("record", cause, "review")
    yield from _price_problems(home, document)


def _price_problems(home: Home, document: Document) -> Iterator[Problem]:
    """The price once more, from the facts and the parameters on record."""
    price, number, component = document["price"], document["price"]["valuation"], document["component"]
    try:
        found = [each for each in valuations_of(home.pricing, component, most=ALL) if each.valuation_id == number]
    except (JinkuError, ValueError):
        yield Problem("price", "the valuations cannot be read", str(home.pricing))
        return
    if not found:
        yield Problem("price", "its valuation is not on record", f"valuation {number}")
        return
    record = plain(found[0].document)
    if hash_of(record) != price["record_hash"]:
        yield Problem("price", "the record is not the one it was priced by", f"valuation {number}")
    if record.get("price") != price["steps"]:
        yield Problem("price", "the record states another price", f"valuation {number}")
    for cause in price_causes(record):
        yield Problem("price", cause, f"valuation {number}")
