"""Ranges and conditions, held against a plain reading of the standard."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.delivery.ranges import Span, content_range, span_of

ETAG = '"zone_hours@1-00"'
SIZE = 1_000


def span(value: str, **headers: str) -> Span:
    return span_of({"range": value, **{name.replace("_", "-"): told for name, told in headers.items()}}, ETAG, SIZE)


@pytest.mark.parametrize(
    ("value", "first", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-", 0, 1_000),
        ("bytes=999-", 999, 1_000),
        ("bytes=500-499999999999999999", 500, 1_000),
        ("bytes=-1", 999, 1_000),
        ("bytes=-5000", 0, 1_000),
        ("BYTES=10-19", 10, 20),
        ("bytes= 10-19 ", 10, 20),
    ],
)
def test_one_range_is_served(value: str, first: int, stop: int) -> None:
    assert span(value) == Span(206, first, stop)


@pytest.mark.parametrize("value", ["bytes=1000-", "bytes=1000-1001", "bytes=-0", "bytes=9999999999999999999-"])
def test_a_range_after_the_end_is_refused(value: str) -> None:
    assert span(value).status == 416


NO_RANGES = [
    *("", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-4", "bytes=0-1,3-4", "rows=0-1", "bytes=٣-٥"),
    *("bytes=0x1-2", "bytes=1-2-3", "bytes=--5", "bytes=+1-2", "bytes=" + "9" * 40 + "-"),
]


@pytest.mark.parametrize("value", NO_RANGES)
def test_what_is_no_single_range_of_bytes_is_ignored(value: str) -> None:
    assert span(value) == Span(200, 0, SIZE)


def test_a_range_of_another_version_is_answered_with_the_whole() -> None:
    assert span("bytes=0-9", if_range=ETAG).status == 206
    for other in ('"zone_hours@2-00"', f"W/{ETAG}", "Fri, 27 Nov 2026 12:00:00 GMT", "*"):
        assert span("bytes=0-9", if_range=other) == Span(200, 0, SIZE)


def test_whoever_has_the_version_is_told_so() -> None:
    for known in (ETAG, f"W/{ETAG}", "*", f'"other", {ETAG}'):
        assert span_of({"if-none-match": known, "range": "bytes=0-9"}, ETAG, SIZE).status == 304
    assert span_of({"if-none-match": '"other"'}, ETAG, SIZE).status == 200


@given(first=st.integers(0, 2_000), last=st.one_of(st.none(), st.integers(0, 2_000)), size=st.integers(1, 1_500))
def test_a_range_gives_the_bytes_that_it_names(first: int, last: int | None, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    found = span_of({"range": f"bytes={first}-{'' if last is None else last}"}, ETAG, size)
    if last is not None and last < first:
        assert found == Span(200, 0, size)
    elif first >= size:
        assert found.status == 416
    else:
        assert content[found.first : found.stop] == content[first : size if last is None else last + 1]
        assert content_range(found, size) == f"bytes {first}-{min(size, size if last is None else last + 1) - 1}/{size}"


@given(st.text(max_size=30))
def test_no_header_breaks_it(value: str) -> None:
    for text in (value, f"bytes={value}"):
        found = span_of({"range": text, "if-range": ETAG}, ETAG, SIZE)
        assert found.status in (200, 206, 416) and 0 <= found.first <= found.stop <= SIZE
