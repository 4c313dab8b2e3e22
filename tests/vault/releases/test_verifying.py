"""Whoever holds a release and a public key finds every change of it; whoever holds the vault, of its records too."""

import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from tests.vault.releases.builds import NAME
from tests.vault.releases.conftest import Ready
from vault.home import Home
from vault.layers import Vault
from vault.registry.database import registry_path
from vault.releases.datasheet import DATASHEET, hash_of, hashes_of
from vault.releases.reading import PAGE, read_datasheet, table_files, unsigned
from vault.releases.table_files import file_hash
from vault.releases.verifying import verify
from vault.signing import key_id, public_keys, sign
from vault.valuations import FILE_NAME

Change = Callable[[Path], None]


@pytest.fixture
def away(ready: Ready, tmp_path: Path) -> Path:
    """The release alone, on another machine."""
    shutil.copytree(ready.released / "releases" / NAME / "1", tmp_path / "bought")
    return tmp_path / "bought"


def found(ready: Ready, folder: Path, **options: Any) -> str:
    return "\n".join(str(each) for each in verify(folder, public_keys(Home(ready.released)), **options))


def overwrite(path: Path, content: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(content)


def edited(change: Callable[[dict[str, Any]], None]) -> Change:
    """A change of the datasheet, written back without its signature being made anew."""

    def write(folder: Path) -> None:
        document = read_datasheet(folder)
        change(document)
        overwrite(folder / DATASHEET, json.dumps(document).encode())

    return write


def flip_a_byte(folder: Path) -> None:
    (path,) = table_files(folder)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    overwrite(path, bytes(content))


def put(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *way, last = path.split("/")
        for step in way:
            document = document[int(step) if isinstance(document, list) else step]
        document[last] = value

    return change


def replace_rows(folder: Path) -> None:
    import duckdb

    (path,) = table_files(folder)
    path.unlink()
    duckdb.sql("select 1 as x").write_parquet(str(path))


def test_a_release_alone_is_verified_with_the_public_key_alone(ready: Ready, away: Path) -> None:
    assert found(ready, away) == "" and found(ready, away / DATASHEET, expected=f"{NAME}@1") == ""


def test_a_datasheet_in_another_layout_is_the_same_datasheet(ready: Ready, away: Path) -> None:
    edited(lambda document: None)(away)
    assert found(ready, away) == ""


def test_with_its_vault_the_records_agree_too(ready: Ready) -> None:
    folder = ready.released / "releases" / NAME / "1"
    assert found(ready, folder, home=Home(ready.released), expected=f"{NAME}@1") == ""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (flip_a_byte, "the file was altered (table/part-"),
        (replace_rows, "the file was altered (table/part-"),
        (lambda folder: table_files(folder)[0].unlink(), "the file is missing (table/part-"),
        (lambda folder: (folder / PAGE).unlink(), "the file is missing (datasheet.html)"),
        (lambda folder: overwrite(folder / PAGE, b"<p>all is well"), "the file was altered (datasheet.html)"),
        (
            lambda folder: shutil.copy(table_files(folder)[0], folder / "table" / "part-00001.parquet"),
            "the datasheet does not know this file (table/part-00001.parquet)",
        ),
        (
            lambda folder: (folder / "table" / "_delta_log" / "00000000000000000001.json").write_text("{}"),
            "the datasheet does not know this file (table/_delta_log/00000000000000000001.json)",
        ),
        (edited(put("tier", "public")), "the signature is not that of this datasheet"),
        (edited(put("contract/purpose", "anything")), "the part is not what its hash states (contract)"),
        (edited(put("price/steps/negotiated/listed_fen", 1)), "the signature is not that of this datasheet"),
        (edited(put("review/checks/0/outcome", "fail")), "O1_legal_basis: fail"),
        (edited(put("review/security", 0)), "review/security: not as 'const' asks"),
        (edited(put("price/note", "free")), "price: not as 'additionalProperties' asks"),
        (edited(lambda document: document.pop("lineage")), "the document: not as 'required' asks"),
        (edited(put("files/0/path", "../../vault.key")), "files/0/path: not as 'pattern' asks"),
        (edited(put("signature/value", "0" * 128)), "the signature is not that of this datasheet"),
        (edited(put("signature/key_id", "0" * 16)), "signed by the unknown key 0000000000000000"),
        (edited(put("signature/algorithm", "none")), "signature/algorithm: not as 'const' asks"),
        (lambda folder: overwrite(folder / DATASHEET, b"{"), "it is not JSON, or names a key twice"),
        (lambda folder: overwrite(folder / DATASHEET, b"[]"), "it is no JSON object"),
        (lambda folder: overwrite(folder / DATASHEET, b"[" * 100_000), "it is not JSON"),
        (lambda folder: overwrite(folder / DATASHEET, b'{"number": NaN}'), "it is not JSON"),
        (lambda folder: overwrite(folder / DATASHEET, b'{"number": 1e999}'), "it holds what has no canonical form"),
        (lambda folder: overwrite(folder / DATASHEET, b'{"a": 1, "a": 2}'), "names a key twice"),
        (lambda folder: (folder / DATASHEET).unlink(), "No such file or directory"),
    ],
)
def test_every_change_is_found(ready: Ready, away: Path, change: Change, told: str) -> None:
    change(away)
    assert told in found(ready, away)


def test_a_link_in_the_place_of_a_file_is_no_file(ready: Ready, away: Path, tmp_path: Path) -> None:
    (path,) = table_files(away)
    shutil.move(path, tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert "it is no plain file" in found(ready, away)


def leaves(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict | list):
        steps = value.items() if isinstance(value, dict) else enumerate(value)
        return [leaf for step, each in steps for leaf in leaves(each, (*way, step))]
    return [way]


@settings(max_examples=15, deadline=None)
@for_all(data=st.data())
def test_any_value_of_a_datasheet_that_is_another_is_found(ready: Ready, data: st.DataObject) -> None:
    folder = ready.released / "releases" / NAME / "1"
    document = read_datasheet(folder)
    *way, last = data.draw(st.sampled_from(leaves(document)))
    place: Any = document
    for step in way:
        place = place[step]
    before = place[last]
    place[last] = {str: f"{before}x", int: 7_777, bool: not before, float: 0.123}.get(type(before), "x")
    changed = ready.released.parent / "changed"
    shutil.rmtree(changed, ignore_errors=True)
    shutil.copytree(folder, changed)
    overwrite(changed / DATASHEET, json.dumps(document).encode())
    assert found(ready, changed) != ""


def signed_anew(folder: Path, key: Ed25519PrivateKey, document: dict[str, Any]) -> None:
    stated = unsigned(document)
    overwrite(folder / DATASHEET, json.dumps({**stated, "signature": sign(key, stated)}).encode())


def test_a_datasheet_that_somebody_else_signed_is_not_the_vaults(ready: Ready, away: Path) -> None:
    key = Ed25519PrivateKey.generate()
    signed_anew(away, key, read_datasheet(away))
    assert f"signed by the unknown key {key_id(key.public_key())}" in found(ready, away)
    assert verify(away, {}) != (), "without a key nothing is true"


def test_what_a_signed_datasheet_says_is_computed_again_all_the_same(ready: Ready, away: Path) -> None:
    """Whoever has the key may err or lie: what can be recomputed does not rest on the signature."""
    key = Ed25519PrivateKey.generate()
    keys = {key_id(key.public_key()): key.public_key()}

    def told(change: Callable[[dict[str, Any]], None]) -> str:
        document = read_datasheet(away)
        change(document)
        signed_anew(away, key, document)
        return "\n".join(str(each) for each in verify(away, keys, expected=f"{NAME}@1"))

    original = (away / DATASHEET).read_bytes()
    for change, expected in (
        (put("table/rows", 7), "there are not as many rows as stated"),
        (put("table/columns/0/type", "int64"), "the columns are not those stated"),
        (put("hashes/data", "0" * 64), "the rows are not those that were reviewed and priced"),
        (put("hashes/data", "0" * 64), "other rows were reviewed"),
        (put("hashes/data", "0" * 64), "other rows were priced"),
        (put("hashes/content", "0" * 64), "the part is not what its hash states (content)"),
        (put("review/blocking", ["R1_k_anonymity"]), "R1_k_anonymity: error: it left no finding"),
        (put("review/reviewed_at", "2027-01-01T00:00:00Z"), "a clock was moved"),
        (put("rights/0/valid_until", "2026-11-23"), "was not in force on the day of release"),
        (put("number", 2), "its name is not its component and number"),
        (put("release", f"{NAME}@2"), f"it is the datasheet of {NAME}@2, not of {NAME}@1"),
    ):
        overwrite(away / DATASHEET, original)
        assert expected in told(change)


def test_a_release_in_the_place_of_another_is_found(ready: Ready) -> None:
    folder = ready.released / "releases" / NAME / "1"
    assert "not of zone_hours@2" in found(ready, folder, expected="zone_hours@2")


def alter_record(database: Path, statement: str) -> None:
    connection = sqlite3.connect(database)
    for (name,) in connection.execute("select name from sqlite_master where type = 'trigger'").fetchall():
        connection.execute(f"drop trigger {name}")
    connection.execute(statement)
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("delete from release", "the vault has no record of this release"),
        (f"update release set datasheet_hash = '{'0' * 64}'", "the vault released it with another datasheet"),
        ("delete from review", "review 1 is not on record"),
        ("update review set security = 0", "review 1 on record says something else"),
        ("update review set document = replace(document, 'pass', 'fail')", "review 1 on record says something else"),
        ("update review set data_hash = model_hash", "review 1 on record says something else"),
        ("update review set document = 'nothing'", "the registry cannot be read"),
        ("drop table review", "the registry cannot be read"),
    ],
)
def test_records_that_say_something_else_are_found(released: Vault, statement: str, told: str) -> None:
    alter_record(registry_path(released.home), statement)
    folder = released.home.releases / NAME / "1"
    problems = [str(each) for each in verify(folder, public_keys(released.home), released.home)]
    assert any(told in each for each in problems), problems


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("delete from valuations", "its valuation is not on record"),
        (
            """update valuations set document = json_set(document, '$.price.negotiated.price_fen', 7)""",
            "the price does not follow from its facts: negotiated.price_fen",
        ),
        (
            """update valuations set document = json_set(document, '$.price.negotiated.price_fen', 7)""",
            "the record states another price",
        ),
        (
            """update valuations set document = json_set(document, '$.facts.expected_licences', 2)""",
            "the record is not the one it was priced by",
        ),
        ("""update valuations set document = json_remove(document, '$.facts.domain')""", "its record gives no price"),
        ("""update valuations set document = 'nothing'""", "the valuations cannot be read"),
        ("drop table valuations", "the valuations cannot be read"),
    ],
)
def test_a_price_that_was_changed_is_found(released: Vault, statement: str, told: str) -> None:
    alter_record(released.home.pricing / FILE_NAME, statement)
    folder = released.home.releases / NAME / "1"
    problems = [str(each) for each in verify(folder, public_keys(released.home), released.home)]
    assert any(told in each for each in problems), problems


def test_a_vault_without_its_registry_is_told(released: Vault) -> None:
    shutil.rmtree(released.home.registry)
    folder = released.home.releases / NAME / "1"
    (problem,) = verify(folder, public_keys(released.home), released.home)
    assert problem.about == "record" and "no registry" in problem.what


def test_the_hashes_of_a_datasheet_are_those_of_its_parts(away: Path) -> None:
    document = read_datasheet(away)
    hashes = document["hashes"]
    assert hashes["contract"] == hash_of(document["contract"]) and hashes["lineage"] == hash_of(document["lineage"])
    assert hashes == hashes_of(document, hashes["data"], hashes["model"], hashes["contracts"])
    assert {each["path"]: each["sha256"] for each in document["files"]} == {
        path.relative_to(away).as_posix(): file_hash(path)
        for path in away.rglob("*")
        if path.is_file() and path.name != DATASHEET
    }
