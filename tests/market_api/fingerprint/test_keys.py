"""Keys of fingerprints."""

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market_api.fingerprint.keys import fingerprint_key, hmac_sql, padded

SECRET = bytes(range(32))


@settings(max_examples=50, deadline=None)
@given(key=st.binary(min_size=1, max_size=64), message=st.text(max_size=300))
def test_the_engine_computes_the_hmac_that_python_does(key: bytes, message: str) -> None:
    given_key = padded(key)
    query = f"select {hmac_sql('$inner', '$outer', 'encode($message)')}"
    with duckdb.connect() as connection:
        told = connection.execute(
            query, {"inner": given_key.inner, "outer": given_key.outer, "message": message}
        ).fetchone()
    assert told == (hmac.new(key, message.encode(), hashlib.sha256).hexdigest(),)


def test_a_key_is_that_of_one_secret_and_one_component() -> None:
    keys = {fingerprint_key(secret, component) for secret in (SECRET, SECRET[::-1]) for component in ("air", "water")}
    assert len({key.of_rows for key in keys}) == 4
    assert fingerprint_key(SECRET, "air") == fingerprint_key(SECRET, "air")


def test_no_buyer_has_the_key_of_another_or_that_of_the_rows() -> None:
    key = fingerprint_key(SECRET, "air")
    assert len({key.of_rows, key.of_buyer("a"), key.of_buyer("b"), key.of_buyer("rows"), key.of_buyer("")}) == 5


def test_a_key_does_not_tell_itself() -> None:
    key = fingerprint_key(SECRET, "air")
    for told in (repr(key), str(key), repr(key.of_rows), f"{key.of_buyer('a')}"):
        assert key.secret.hex() not in told and repr(key.secret)[2:-1] not in told and "\\x" not in told


@pytest.mark.parametrize(("secret", "component"), [(b"", "air"), (b"short", "air"), (SECRET[:31], "air"), (SECRET, "")])
def test_a_weak_secret_or_no_component_gives_no_key(secret: bytes, component: str) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        fingerprint_key(secret, component)
