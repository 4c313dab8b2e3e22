"""What permits a pull, and that the cause of a refusal is the true one."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_api.entitlements.standing import Standing, cause_against, require_permitted
from market_api.problems import Problem
from market_api.states import ENTITLEMENT, LISTING, PARTICIPANT
from tests.market_api.builders import NOON
from vault.moments import text_of

GOOD = Standing(
    state="active",
    reason=None,
    valid_from=text_of(NOON),
    valid_until=text_of(NOON + timedelta(days=30)),
    holder_state="admitted",
    holder_reason=None,
    listing_state="listed",
)


def cause(standing: Standing | None, at: datetime = NOON) -> str | None:
    found = cause_against(standing, at)
    return None if found is None else found.name


def told(standing: Standing | None, at: datetime = NOON) -> str:
    found = cause_against(standing, at)
    assert found is not None
    return found.detail


def test_an_active_entitlement_of_an_admitted_holder_permits_a_pull() -> None:
    assert cause(GOOD) is None
    require_permitted(GOOD, NOON)


def test_what_is_not_there_permits_nothing() -> None:
    assert cause(None) == "unknown"
    assert cause(replace(GOOD, listing_state=None)) == "not_listed"


def test_an_entitlement_ends_with_the_last_moment_of_its_term() -> None:
    end = NOON + timedelta(days=30)
    assert cause(GOOD, end - timedelta(microseconds=1)) is None
    assert cause(GOOD, end) == "expired"
    assert told(GOOD, end) == "The entitlement expired on 2026-12-27 at 12:00 UTC; buy it again."


def test_an_entitlement_does_not_permit_before_it_begins() -> None:
    assert cause(GOOD, NOON - timedelta(seconds=1)) == "not_begun"


def test_a_refusal_names_who_decided_what_and_why() -> None:
    revoked = replace(GOOD, state="revoked", reason="The dispute was upheld.")
    assert told(revoked) == "The entitlement was revoked, because: The dispute was upheld."
    suspended = replace(GOOD, state="suspended", reason="under dispute")
    assert told(suspended) == "The entitlement is suspended, because: under dispute."
    frozen = replace(GOOD, listing_state="frozen", listing_reason="recalled")
    assert told(frozen) == "The regulator froze the listing of this release, because: recalled."
    holder = replace(GOOD, holder_state="suspended", holder_reason="fees unpaid")
    assert told(holder) == "The participant is suspended, because: fees unpaid."


def test_what_ended_for_good_is_told_before_what_may_be_undone() -> None:
    over = replace(GOOD, holder_state="frozen", listing_state="frozen", valid_until=text_of(NOON))
    assert cause(replace(over, state="revoked")) == "revoked"
    assert cause(replace(over, state="suspended")) == "expired"
    assert cause(replace(over, valid_until=GOOD.valid_until)) == "participant_not_admitted"


@pytest.mark.parametrize("state", ["retired", "superseded"])
def test_what_is_no_longer_sold_may_still_be_pulled(state: str) -> None:
    assert cause(replace(GOOD, listing_state=state)) is None


def test_what_was_retired_is_delivered_until_its_last_day() -> None:
    retired = replace(GOOD, listing_state="retired", listing_reason="replaced", last_day="2026-11-27")
    assert cause(retired, NOON + timedelta(hours=11, minutes=59)) is None
    assert told(retired, NOON + timedelta(hours=12)) == (
        "The release was retired and delivered until 2026-11-27, because: replaced."
    )
    assert cause(replace(retired, listing_state="listed"), NOON + timedelta(days=3)) is None


@given(
    state=st.sampled_from([*sorted(ENTITLEMENT.states), "of another version"]),
    holder=st.sampled_from(sorted(PARTICIPANT.states)),
    listing=st.sampled_from([*sorted(LISTING.states), None]),
    days=st.integers(-40, 40),
)
def test_nothing_but_all_that_is_asked_for_permits_a_pull(
    state: str, holder: str, listing: str | None, days: int
) -> None:
    standing = replace(GOOD, state=state, holder_state=holder, listing_state=listing)
    is_permitted = state == "active" and holder == "admitted" and listing not in ("frozen", None) and 0 <= days < 30
    assert (cause(standing, NOON + timedelta(days=days)) is None) == is_permitted


def test_the_refusal_is_a_problem_with_the_cause_by_name() -> None:
    with pytest.raises(Problem) as caught:
        require_permitted(replace(GOOD, state="suspended"), NOON)
    assert caught.value.code == "not_entitled" and caught.value.further == {"cause": "suspended"}
