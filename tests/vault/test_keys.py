"""One master key opens the home's keys; a lost, open, damaged or wrong one is a clear error, never garbage."""

import os
import secrets
import shutil
import signal
import stat
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import fresh_vault, rows
from vault.errors import JinkuError
from vault.home import Home, Settings, prepare
from vault.keys import LAYERS, create_master_key, derived_key, master_key, open_keys, rotate_master
from vault.keys.master import IN_FILE, MasterSource, master_id, master_path, master_source, next_master_path
from vault.keys.store import changing_keys, read_store, store_path, unwrap, wrap, write_store
from vault.layers import Vault, connect, install_cryptography, open_vault

SETTINGS = Settings(memory_limit="1GiB", threads=2, settle_seconds=0)
HEX = "ab" * 32


def new_home(root: Path, environment: Mapping[str, str] | None = None) -> Home:
    home = Home(root)
    prepare(home)
    create_master_key(home, environment or {})
    return home


def keys_of(vault: Vault) -> list[str | bytes]:
    """Everything that must outlive a rotation of the master key."""
    return [vault.master, vault.received_key, *(vault.layer_key(layer) for layer in LAYERS)]


def code_of(act: Callable[[], object]) -> str:
    with pytest.raises(JinkuError) as raised:
        act()
    assert HEX not in str(raised.value)
    return raised.value.code


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_key_is_random_and_wrapped_and_its_files_are_the_owners_alone(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    keys = keys_of(open_vault(home, SETTINGS))
    assert len({key if isinstance(key, str) else key.hex() for key in keys}) == len(LAYERS) + 2
    assert mode(master_path(home)) == mode(store_path(home)) == 0o600 and mode(home.keys) == 0o700
    on_disk = store_path(home).read_text() + master_path(home).read_text()
    assert not any((key if isinstance(key, str) else key.hex()) in on_disk for key in keys)
    assert keys_of(open_vault(new_home(tmp_path / "other"), SETTINGS))[0] != keys[0]


def test_no_key_is_printed(tmp_path: Path) -> None:
    vault = open_vault(new_home(tmp_path), SETTINGS, {})
    opened = open_keys(vault.home, IN_FILE)
    source = MasterSource("environment", HEX, HEX)
    told = repr(vault) + repr(opened) + repr(source) + str(source)
    assert not any(key in told for key in (HEX, vault.master.hex(), repr(vault.master), opened.master.hex()))


def test_making_keys_twice_changes_nothing(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    before = (master_path(home).read_bytes(), store_path(home).read_bytes())
    create_master_key(home, {})
    open_vault(home, SETTINGS, {})
    assert (master_path(home).read_bytes(), store_path(home).read_bytes()) == before


def test_a_new_layer_gets_a_key_and_the_others_keep_theirs(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    before = open_vault(home, SETTINGS, {})
    kept, store = before.layer_key("raw"), read_store(home)
    assert store is not None
    write_store(home, replace(store, wrapped={k: v for k, v in store.wrapped.items() if k != "layer/entities"}))
    after = open_vault(home, SETTINGS, {})
    assert after.layer_key("raw") == kept and len(after.layer_key("entities")) == 64


def test_a_layer_whose_key_is_gone_gets_no_other_one(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    store = read_store(vault.home)
    assert store is not None
    write_store(vault.home, replace(store, wrapped={k: v for k, v in store.wrapped.items() if k != "layer/raw"}))
    assert code_of(lambda: open_vault(vault.home, SETTINGS, {})) == "key_lost"


SPOILERS: dict[str, tuple[str, Callable[[Home], object]]] = {
    "no master key": ("key_lost", lambda home: master_path(home).unlink()),
    "a master key of another length": ("key_damaged", lambda home: master_path(home).write_text(HEX[2:])),
    "a master key that is no hex": ("key_damaged", lambda home: master_path(home).write_text("zz" * 32)),
    "an empty master key": ("key_damaged", lambda home: master_path(home).write_text("")),
    "a master key that others may read": ("key_open", lambda home: master_path(home).chmod(0o640)),
    "another master key": ("key_wrong", lambda home: master_path(home).write_text(HEX)),
    "a master key that is a folder": ("key_unreadable", lambda home: _into_folder(master_path(home))),
    "a key store that others may read": ("key_open", lambda home: store_path(home).chmod(0o604)),
    "a torn key store": ("key_damaged", lambda home: store_path(home).write_bytes(store_path(home).read_bytes()[:-9])),
    "an empty key store": ("key_damaged", lambda home: store_path(home).write_text("{}")),
    "a key store of another format": (
        "key_damaged",
        lambda home: _replace(store_path(home), '"format": 1', '"format": 2'),
    ),
    "one digit of a wrapped key": ("key_damaged", lambda home: _flip_digit(store_path(home))),
    "two wrapped keys in each other's places": ("key_damaged", lambda home: _swap(home, "root", "received")),
}


def _into_folder(path: Path) -> None:
    path.unlink()
    path.mkdir(mode=0o700)


def _replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def _flip_digit(path: Path) -> None:
    text = path.read_text()
    place = text.index('"root": "') + 60
    path.write_text(text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :])


def _swap(home: Home, one: str, other: str) -> None:
    store = read_store(home)
    assert store is not None
    write_store(home, replace(store, wrapped={**store.wrapped, one: store.wrapped[other], other: store.wrapped[one]}))


@pytest.mark.parametrize("spoiled", SPOILERS)
def test_keys_that_cannot_be_trusted_open_nothing(tmp_path: Path, spoiled: str) -> None:
    code, spoil = SPOILERS[spoiled]
    home = new_home(tmp_path)
    spoil(home)
    assert code_of(lambda: open_vault(home, SETTINGS, {})) == code
    with suppress(JinkuError):
        create_master_key(home, {})
    assert code_of(lambda: open_vault(home, SETTINGS, {})) == code, "nothing was made in its place"


def test_a_master_key_that_may_not_be_read_says_so(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        child = os.fork()
        if child == 0:  # root may read everything: another user tries
            home = new_home(tmp_path)
            for path in (tmp_path, home.keys):
                path.chmod(0o711)
            os.setuid(65534)
            os._exit(0 if code_of(lambda: master_key(home)) == "key_unreadable" else 1)
        assert os.waitpid(child, 0)[1] == 0
    else:
        home = new_home(tmp_path)
        master_path(home).chmod(0)
        assert code_of(lambda: master_key(home)) == "key_unreadable"


def test_a_home_without_keys_is_not_opened_and_nothing_is_made_there(tmp_path: Path) -> None:
    assert code_of(lambda: open_vault(Home(tmp_path / "none"), SETTINGS, {})) == "key_lost"
    assert not (tmp_path / "none").exists()


def test_an_encrypted_home_without_its_keys_is_not_given_new_ones(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    store_path(vault.home).unlink()
    assert code_of(lambda: open_vault(vault.home, SETTINGS, {})) == "key_lost"
    assert code_of(lambda: create_master_key(vault.home, {})) == "key_lost"
    master_path(vault.home).unlink()
    assert code_of(lambda: create_master_key(vault.home, {})) == "key_lost"
    assert not master_path(vault.home).exists() and not store_path(vault.home).exists()


def test_a_wrapped_key_opens_under_its_own_master_and_name_only() -> None:
    @given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.text(max_size=20), st.text())
    @settings(max_examples=50, deadline=None)
    def law(master: bytes, key: bytes, name: str, other: str) -> None:
        wrapped = wrap(master, name, key)
        assert unwrap(master, name, wrapped, Path("store")) == key
        if other != name:
            assert code_of(lambda: unwrap(master, other, wrapped, Path("store"))) == "key_damaged"
        assert code_of(lambda: unwrap(key + b"x", name, wrapped, Path("store"))) == "key_damaged"

    law()


# The master key from elsewhere


def printing(root: Path, text: str, status: int = 0) -> str:
    """A command that prints a text, and counts how often it was asked."""
    script = root / "key service.py"
    script.write_text(f"open({str(root / 'asked')!r}, 'a').write('.')\nprint({text!r})\nraise SystemExit({status})\n")
    return f"{sys.executable} '{script}'"


def test_the_environment_gives_the_master_key_and_no_file_does(tmp_path: Path) -> None:
    home = new_home(tmp_path, {"JINKU_MASTER_KEY": HEX})
    assert not master_path(home).exists()
    assert open_vault(home, SETTINGS, {"JINKU_MASTER_KEY": HEX}).layer_key("raw")
    assert code_of(lambda: open_vault(home, SETTINGS, {"JINKU_MASTER_KEY": "cd" * 32})) == "key_wrong"
    assert code_of(lambda: open_vault(home, SETTINGS, {})) == "key_lost"


def test_a_command_gives_the_master_key_without_a_shell_and_is_asked_once(tmp_path: Path) -> None:
    given_by = {"JINKU_MASTER_KEY_COMMAND": printing(tmp_path, secrets.token_hex(32)) + " ; touch $HOME/shell"}
    home = new_home(tmp_path / "home", given_by)
    asked = len((tmp_path / "asked").read_text())
    for _ in range(3):
        assert open_vault(home, SETTINGS, given_by).layer_key("raw")
    assert len((tmp_path / "asked").read_text()) == asked and not master_path(home).exists()


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [(HEX, 3, "key_unreadable"), ("", 0, "key_damaged"), (f"key: {HEX}", 0, "key_damaged")],
)
def test_a_command_that_fails_or_babbles_opens_nothing(tmp_path: Path, text: str, status: int, code: str) -> None:
    given_by = {"JINKU_MASTER_KEY_COMMAND": printing(tmp_path, text, status)}
    assert code_of(lambda: new_home(tmp_path / "home", given_by)) == code


@pytest.mark.parametrize("command", ["", "/nowhere/to/be/found", "'unpaired"])
def test_a_command_that_cannot_be_started_opens_nothing(tmp_path: Path, command: str) -> None:
    assert code_of(lambda: new_home(tmp_path, {"JINKU_MASTER_KEY_COMMAND": command})) == "key_unreadable"


def test_a_variable_that_is_set_to_nothing_is_no_reason_to_make_another_key(tmp_path: Path) -> None:
    assert code_of(lambda: new_home(tmp_path, {"JINKU_MASTER_KEY": ""})) == "key_damaged"
    assert not master_path(Home(tmp_path)).exists()


def test_two_sources_of_the_master_key_are_one_too_many() -> None:
    both = {"JINKU_MASTER_KEY": HEX, "JINKU_MASTER_KEY_COMMAND": "true"}
    assert code_of(lambda: master_source(both)) == "setting"


# A home made before there was a key store: its keys were derived from the master key


def old_home(root: Path) -> tuple[Home, bytes]:
    home, master = Home(root), secrets.token_bytes(32)
    prepare(home)
    master_path(home).write_text(master.hex())
    master_path(home).chmod(0o600)
    with duckdb.connect(":memory:") as connection:
        install_cryptography()
        connection.execute("load httpfs")
        connection.execute(f"attach '{home.layer('raw')}' as raw (encryption_key '{derived_key(master, 'layer/raw')}')")
        connection.execute("create table raw.old as select 7 as seven")
    return home, master


def test_an_old_home_opens_as_before_and_its_pseudonyms_stay(tmp_path: Path) -> None:
    home, master = old_home(tmp_path)
    vault = open_vault(home, SETTINGS, {})
    assert rows(vault, "select seven from raw.old") == [(7,)]
    assert vault.master == master and vault.received_key.hex() == derived_key(master, "received")
    assert vault.layer_key("warehouse") != derived_key(master, "layer/warehouse"), "what was not there is random"
    rotate_master(home, IN_FILE)
    again = open_vault(home, SETTINGS, {})
    assert rows(again, "select seven from raw.old") == [(7,)] and again.master == master


def test_a_lost_key_store_is_not_taken_for_an_old_home(tmp_path: Path) -> None:
    home, _ = old_home(tmp_path)
    master_path(home).write_text(HEX)
    assert code_of(lambda: open_vault(home, SETTINGS, {})) == "key_lost"
    assert not store_path(home).exists()


# Rotation of the master key


def test_a_new_master_key_opens_what_the_old_one_opened_and_the_old_one_nothing(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    before, old = keys_of(vault), master_key(vault.home)
    new = rotate_master(vault.home, IN_FILE)
    assert keys_of(vault) == before == keys_of(open_vault(vault.home, SETTINGS, {}))
    assert master_id(master_key(vault.home)) == new != master_id(old)
    assert not any(old.hex() in path.read_text("latin-1") for path in vault.home.keys.iterdir())
    store = read_store(vault.home)
    assert store is not None
    for name, wrapped in store.wrapped.items():
        assert code_of(lambda name=name, wrapped=wrapped: unwrap(old, name, wrapped, Path())) == "key_damaged"  # type: ignore[misc]
    master_path(vault.home).write_text(old.hex())
    assert code_of(lambda: open_vault(vault.home, SETTINGS, {})) == "key_wrong"


def test_the_next_key_of_an_environment_is_given_beside_the_present_one(tmp_path: Path) -> None:
    home = new_home(tmp_path, {"JINKU_MASTER_KEY": HEX})
    both = {"JINKU_MASTER_KEY": HEX, "JINKU_NEW_MASTER_KEY": "cd" * 32}
    before = keys_of(open_vault(home, SETTINGS, both))
    rotate_master(home, master_source(both))
    assert keys_of(open_vault(home, SETTINGS, both)) == before, "processes with both go on"
    assert keys_of(open_vault(home, SETTINGS, {"JINKU_MASTER_KEY": "cd" * 32})) == before
    assert code_of(lambda: open_vault(home, SETTINGS, {"JINKU_MASTER_KEY": HEX})) == "key_wrong"


@pytest.mark.parametrize("following", [None, HEX, "no key"])
def test_without_a_fit_next_key_nothing_is_rotated(tmp_path: Path, following: str | None) -> None:
    home = new_home(tmp_path, {"JINKU_MASTER_KEY": HEX})
    before = store_path(home).read_bytes()
    code = code_of(lambda: rotate_master(home, MasterSource("environment", HEX, following)))
    assert code == ("key_damaged" if following == "no key" else "setting")
    assert store_path(home).read_bytes() == before


def test_only_one_rotation_is_at_work(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    with changing_keys(home):
        assert code_of(lambda: rotate_master(home, IN_FILE)) == "keys_busy"
        assert open_vault(home, SETTINGS, {}).master, "reading asks nobody"


def killed_at(call: int, act: Callable[[], object]) -> bool:
    """Whether a child that does this was killed, just before its nth call that makes something last."""
    child = os.fork()
    if child:
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])
    left = call

    def counted(original: Callable[..., object]) -> Callable[..., object]:
        def or_die(*arguments: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return original(*arguments, **options)

        return or_die

    for name in ("fsync", "replace", "rename", "unlink", "open"):
        setattr(os, name, counted(getattr(os, name)))
    try:
        act()
        os._exit(0)
    finally:
        os._exit(1)


def test_killed_at_any_moment_a_rotation_leaves_every_key_within_reach(tmp_path: Path) -> None:
    home = new_home(tmp_path / "home")
    before, old = keys_of(open_vault(home, SETTINGS, {})), master_key(home)
    outcomes, call = set(), 0
    while True:
        call += 1
        copy = Home(tmp_path / f"copy{call}")
        shutil.copytree(home.root, copy.root)
        was_killed = killed_at(call, lambda copy=copy: rotate_master(copy, IN_FILE))  # type: ignore[misc]
        assert open_keys(copy, IN_FILE).key("root") == before[0], "a reader in that moment"
        assert keys_of(open_vault(copy, SETTINGS, {})) == before
        assert not next_master_path(copy).exists(), "the next opening ends what was left"
        is_old = master_key(copy) == old
        assert is_old == (master_key(copy).hex() in master_path(home).read_text())
        outcomes.add(is_old)
        rotate_master(copy, IN_FILE)
        assert keys_of(open_vault(copy, SETTINGS, {})) == before, "and it can be rotated again"
        if not was_killed:
            break
    assert outcomes == {True, False} and call > 8


def test_readers_find_their_keys_while_the_master_key_changes(tmp_path: Path) -> None:
    home = new_home(tmp_path)
    before = keys_of(open_vault(home, SETTINGS, {}))
    child = os.fork()
    if child == 0:
        try:
            for _ in range(60):
                rotate_master(home, IN_FILE)
            os._exit(0)
        finally:
            os._exit(1)
    readings = 0
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        assert keys_of(open_vault(home, SETTINGS, {})) == before
        readings += 1
    assert readings > 10


def test_a_rotated_home_still_reads_and_writes_its_layers(tmp_path: Path) -> None:
    vault = fresh_vault(tmp_path, {})
    with connect(vault, read=("raw",)) as connection:
        rotate_master(vault.home, IN_FILE)
        assert connection.execute("select count(*) from raw.vault.batches").fetchone() == (0,), "what is open goes on"
    with connect(vault, write="raw") as connection:
        connection.execute("insert into raw.vault.quarantine values ('b', 't', 1, 'r', 'o')")
    assert rows(open_vault(vault.home, SETTINGS, {}), "select line from raw.vault.quarantine") == [(1,)]
