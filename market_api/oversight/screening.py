"""Screening: the screens over the trades and auctions of a period. They flag; a person decides, by opening a case."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from market_api.oversight.gathering import cleared_trades, closed_auctions, owners_of, providers_of
from market_api.oversight.periods import Period
from market_api.oversight.tables import cases
from market_api.paging import page, read_token
from market_api.screens import screened
from market_api.screens.concentration import concentrations
from market_api.screens.flags import Flag

ID_DIGITS = 32


def flag_id(flag: Flag) -> str:
    """The name of a flag: what is flagged and whom it is about, so that it is the same at the next screening."""
    return hashlib.sha256(json.dumps([flag.kind, flag.subjects]).encode()).hexdigest()[:ID_DIGITS]


def flags_of(connection: sa.Connection, period: Period, now: datetime) -> dict[str, Flag]:
    """All flags of a period by their names. Raises Problem `invalid_request` for a period of too many trades."""
    trades, auctions = cleared_trades(connection, period), closed_auctions(connection, period)
    found = screened(trades, auctions, owners_of(connection), providers_of(connection), now)
    return {flag_id(flag): flag for flag in found}


def flags_page(
    connection: sa.Connection, period: Period, kind: str | None, now: datetime, token: str, size: int
) -> Mapping[str, Any]:
    """A page of flags, by kind, each with the open case about it where there is one."""
    after, opened = read_token(token), _open_cases(connection)
    named = [(f"{flag.kind}/{name}", name, flag) for name, flag in flags_of(connection, period, now).items()]
    rows = sorted(each for each in named if each[0] > after and kind in (None, each[2].kind))[: size + 1]
    return page(rows, size, lambda row: str(row[0]), lambda row: _document(row[1], row[2], opened.get(row[1])))


def concentration(connection: sa.Connection, period: Period) -> Mapping[str, Any]:
    """HHI and the largest shares of each application field, of sellers and of buyers."""
    return {"items": [asdict(each) for each in concentrations(cleared_trades(connection, period))]}


def _open_cases(connection: sa.Connection) -> Mapping[str, str]:
    query = sa.select(cases.c.flag_id, cases.c.case_id).where(cases.c.state == "opened")
    return {row.flag_id: row.case_id for row in connection.execute(query)}


def _document(name: str, flag: Flag, case_id: str | None) -> dict[str, Any]:
    return {"flag_id": name, **asdict(flag), "case_id": case_id}
