"""ETags: the same for the same document, and what they refuse."""

from typing import Any

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from market_api.problems import Problem
from market_api.web.etags import etag_of, require_match, tagged

documents = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5) | st.none(), max_size=5)
DOCUMENT = {"state": "listed", "price_fen": 100}


def a_request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@given(documents, documents)
def test_documents_have_one_tag_exactly_where_they_are_equal(one: dict[str, Any], other: dict[str, Any]) -> None:
    reversed_one = dict(reversed(one.items()))
    assert etag_of(one) == etag_of(reversed_one)
    assert (etag_of(one) == etag_of(other)) == (one == other)


@pytest.mark.parametrize("header", [etag_of(DOCUMENT), f'"other", {etag_of(DOCUMENT)}', "*"])
def test_whoever_has_seen_the_document_may_change_it(header: str) -> None:
    require_match(a_request(If_Match=header), DOCUMENT)


def test_whoever_does_not_ask_is_not_held() -> None:
    require_match(a_request(), DOCUMENT)


@pytest.mark.parametrize("header", ['"other"', "", etag_of(DOCUMENT).strip('"'), f"W/{etag_of(DOCUMENT)}"])
def test_whoever_has_seen_another_may_not(header: str) -> None:
    with pytest.raises(Problem, match="precondition_failed"):
        require_match(a_request(If_Match=header), DOCUMENT)


@pytest.mark.parametrize("header", [etag_of(DOCUMENT), f"W/{etag_of(DOCUMENT)}", "*"])
def test_a_document_that_the_client_has_is_not_sent_again(header: str) -> None:
    answer = tagged(a_request(If_None_Match=header), DOCUMENT)
    assert (answer.status_code, answer.body, answer.headers["ETag"]) == (304, b"", etag_of(DOCUMENT))


def test_another_document_is_sent_with_its_tag() -> None:
    answer = tagged(a_request(If_None_Match='"other"'), DOCUMENT)
    assert (answer.status_code, answer.headers["ETag"]) == (200, etag_of(DOCUMENT))
