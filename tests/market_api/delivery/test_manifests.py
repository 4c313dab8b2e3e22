"""A manifest says what a copy is, and only what the market signed is believed."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from market_api.delivery.manifests import MANIFEST, CopyFile, Manifest, is_whole, read_manifest, signed_text, told_file

KEY = Ed25519PrivateKey.generate()


def kept(folder: Path, content: bytes = b"rows") -> Manifest:
    """A manifest with its one file in a folder."""
    (folder / "part-00000.parquet").write_bytes(content)
    file = told_file(folder / "part-00000.parquet", 4)
    manifest = Manifest(
        entitlement="ent_1",
        participant="par_1",
        release="zone_hours@1",
        datasheet="d" * 64,
        terms="t" * 64,
        form="parts",
        made_at="2026-11-27T12:00:00.000000+00:00",
        rows=4,
        rows_omitted=0,
        not_traceable=None,
        files=(file,),
    )
    (folder / MANIFEST).write_bytes(signed_text(manifest, KEY))
    return manifest


def test_what_was_signed_is_read_back(tmp_path: Path) -> None:
    manifest = kept(tmp_path)
    assert read_manifest(tmp_path, KEY.public_key()) == manifest
    assert is_whole(tmp_path, manifest)
    assert len(manifest.hash) == 64 and replace(manifest, rows=5).hash != manifest.hash


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", "null", '{"signature": {}}', '{"signature": 1, "format": "jinku-copy/1"}']
)
def test_what_is_no_manifest_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    assert read_manifest(tmp_path, KEY.public_key()) is None
    (tmp_path / MANIFEST).unlink()
    assert read_manifest(tmp_path, KEY.public_key()) is None


def test_an_altered_manifest_and_one_of_another_key_are_none(tmp_path: Path) -> None:
    kept(tmp_path)
    assert read_manifest(tmp_path, Ed25519PrivateKey.generate().public_key()) is None
    document = json.loads((tmp_path / MANIFEST).read_bytes())
    for key, value in (("participant", "par_2"), ("rows", 5), ("format", "jinku-copy/2"), ("more", 1)):
        (tmp_path / MANIFEST).write_text(json.dumps({**document, key: value}))
        assert read_manifest(tmp_path, KEY.public_key()) is None, key


def test_a_copy_whose_file_was_altered_is_not_whole(tmp_path: Path) -> None:
    manifest, path = kept(tmp_path), tmp_path / "part-00000.parquet"
    before = path.stat()
    path.write_bytes(b"rowz")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert not is_whole(tmp_path, manifest), "also with the same size and the time of before"
    path.write_bytes(b"rows and more")
    assert not is_whole(tmp_path, manifest)
    path.unlink()
    assert not is_whole(tmp_path, manifest)
    (tmp_path / "elsewhere").write_bytes(b"rows")
    path.symlink_to(tmp_path / "elsewhere")
    assert not is_whole(tmp_path, manifest), "a link is no file of a copy"


def test_the_hash_is_that_of_the_bytes(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    told = told_file(tmp_path / "a", 1)
    assert told == CopyFile("a", 3, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 1)
