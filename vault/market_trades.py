"""What the market had cleared, as the vault prices by it: one JSON document, signed by the market's key.

The vault never reads the market's database. The market writes the document, the vault takes it only as it was signed,
and asks it what it asks of any market (`pricing.trade_records.TradeRecords`). Each document has the next number of the
market's, and says how long the market's black box was when its records were read: an older or a forked one is not taken
(`vault.trades_taken`). Buyers stand in it under names that are made anew for each document: they tell whether two sales
had one buyer, and not who it is. Source: models §4.1, §5, §9.
"""

import hashlib
import hmac
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from pricing.comparables import Comparable, Factors
from pricing.cost import Ecosystem
from pricing.exact import whole_fen
from pricing.money import Amount
from pricing.negotiated import Trade
from pricing.overrides import BetaOverride, in_force
from pricing.params import plain
from pricing.price_record import exact_word
from pricing.trade_records import NoTrades, TradeRecords
from vault.beta_overrides import overrides_of, overrides_told
from vault.contract import Subject
from vault.errors import JinkuError
from vault.home import Home
from vault.moments import text_of
from vault.releases.datasheet import hash_of
from vault.releases.reading import unsigned
from vault.signing import public_keys_in, verify_signature
from vault.trades_taken import Taken, require_none_taken, take

FORMAT = "jinku-trades/2"
LEAST_SALT_BYTES = 16
COMPONENT = re.compile(r"[a-z][a-z0-9_]{0,62}")
EPOCH = re.compile(r"[0-9]{4}q[1-4]")
BUYER = re.compile(r"[0-9a-f]{32}")
DOCUMENT_KEYS = frozenset(
    ["format", "sequence", "log_size", "made_at", "components", "trades", "sales", "activity", "beta_overrides"]
)
TRADE_KEYS = frozenset(["component", "closed_on", "price_fen", "cost_fen", "information", "margin", "arms_length"])
SALE_KEYS = frozenset(["component", "closed_on", "unit_price_fen", "buyer", "arms_length", "factors"])


@dataclass(frozen=True)
class ListedComponent:
    """What a component is like: sales of others of its field and subject are its comparables."""

    domain: Ecosystem
    subject: Subject

    def __post_init__(self) -> None:
        _one_of("domain", self.domain, get_args(Ecosystem))
        _one_of("subject", self.subject, get_args(Subject))


@dataclass(frozen=True)
class ClosedTrade:
    """A negotiation that closed. agreed: price and cost in fen, I and γ as they were on that day."""

    component: str
    closed_on: date
    agreed: Trade


@dataclass(frozen=True)
class ClearedSale:
    """A sale that was settled. unit_price_fen: of one licence, above 0; factors: of the component on that day.

    buyer_id: whoever owns the buyer in the end, so that three companies of one owner are no three buyers.
    """

    component: str
    closed_on: date
    unit_price_fen: int
    buyer_id: str
    arms_length: bool = True
    factors: Factors | None = None

    def __post_init__(self) -> None:
        whole_fen("unit_price_fen", self.unit_price_fen, least=1)


@dataclass(frozen=True)
class Activity:
    """Of an epoch: D, the qualified bids and enquiries, and U, the open lots; 0 or more."""

    enquiries: int
    open_lots: int

    def __post_init__(self) -> None:
        for name, count in (("enquiries", self.enquiries), ("open_lots", self.open_lots)):
            _counted(name, count, 0)


@dataclass(frozen=True)
class SignedTrades:
    """The records of a document, which its signature was checked of: what pricing asks for, by day and epoch.

    sequence: 1, 2, 3 … of the market's documents; log_size: entries of the market's black box when the records were
    read; beta_records: what the regulator set, in the order in which it did. Raises ValueError where a record is of a
    component that is not listed, or of a day after the document's own.
    """

    sequence: int
    log_size: int
    made_at: datetime
    components: Mapping[str, ListedComponent]
    closed: tuple[ClosedTrade, ...]
    sales: tuple[ClearedSale, ...]
    activity: Mapping[str, Activity]
    beta_records: tuple[BetaOverride, ...] = ()

    def __post_init__(self) -> None:
        _counted("sequence", self.sequence, 1)
        _counted("log_size", self.log_size, 0)
        last = self.made_at.astimezone(UTC).date()
        records: tuple[ClosedTrade | ClearedSale, ...] = (*self.closed, *self.sales)
        for each in records:
            if each.component not in self.components:
                raise ValueError("a record is of a component that is not listed")
            if each.closed_on > last:
                raise ValueError("a record is of a day after the document was made")
        object.__setattr__(self, "components", MappingProxyType(dict(self.components)))
        object.__setattr__(self, "activity", MappingProxyType(dict(self.activity)))

    def trades(self, domain: Ecosystem, until: date) -> tuple[Trade, ...]:
        """Negotiations of components of a field that closed before the day."""
        return tuple(
            each.agreed
            for each in self.closed
            if each.closed_on < until and self.components[each.component].domain == domain
        )

    def comparables(self, component: str, until: date) -> tuple[Comparable, ...]:
        """Sales before the day of components of the same field and subject, its own among them; none of one that was
        never listed."""
        like = self.components.get(component)
        return tuple(
            Comparable(
                unit_price=each.unit_price_fen,
                age_days=float((until - each.closed_on).days),
                buyer_id=each.buyer_id,
                arms_length=each.arms_length,
                factors=each.factors,
            )
            for each in self.sales
            if like is not None and each.closed_on < until and self.components[each.component] == like
        )

    def enquiries(self, epoch: str) -> int:
        """D of an epoch; 0 where the document does not speak of it."""
        return self.activity.get(epoch, Activity(0, 0)).enquiries

    def open_lots(self, epoch: str) -> int:
        """U of an epoch; 0 where the document does not speak of it."""
        return self.activity.get(epoch, Activity(0, 0)).open_lots

    def overrides(self, epoch: str) -> tuple[BetaOverride, ...]:
        """β of an epoch where the regulator set it: the last record of each component and field that covers it."""
        return in_force(self.beta_records, epoch)


def trades_document(
    components: Mapping[str, ListedComponent],
    closed: Iterable[ClosedTrade],
    sales: Iterable[ClearedSale],
    activity: Mapping[str, Activity],
    made_at: datetime,
    salt: bytes,
    *,
    sequence: int,
    log_size: int,
    beta_records: Sequence[BetaOverride] = (),
) -> dict[str, Any]:
    """The document of a market's records, as plain JSON values, for the market to sign.

    components: all that were ever listed; salt: random, of this document alone, and kept by nobody; sequence, log_size,
    beta_records: as in `SignedTrades`. The same records in another order give the same document. Raises ValueError for
    a short salt, a time without a zone, and for records that `read_trades` would refuse.
    """
    if len(salt) < LEAST_SALT_BYTES:
        raise ValueError(f"the salt must be {LEAST_SALT_BYTES} random bytes or more, else buyers could be guessed")
    document = {
        "format": FORMAT,
        "sequence": sequence,
        "log_size": log_size,
        "made_at": text_of(made_at),
        "components": {
            name: {"domain": each.domain, "subject": each.subject} for name, each in sorted(components.items())
        },
        "trades": _ordered(_trade_told(each) for each in closed),
        "sales": _ordered(_sale_told(each, salt) for each in sales),
        "activity": {
            epoch: {"enquiries": each.enquiries, "open_lots": each.open_lots}
            for epoch, each in sorted(activity.items())
        },
        "beta_overrides": overrides_told(beta_records),
    }
    _records_of(document)
    return document


def read_trades(path: Path, public_keys: Mapping[str, Ed25519PublicKey]) -> SignedTrades:
    """The records of a document, once its signature by one of the keys is checked.

    Raises JinkuError `trades_unsigned` where no key signed just this, and `trades_unreadable` where there is no such
    document, or what was signed is none.
    """
    return _records_in(path, _signed_document(path, public_keys))


def market_records(home: Home, now: datetime) -> TradeRecords:
    """What a home knows of its market: the signed trades where there are any, else of none. That they were taken is
    recorded, and none is taken that is older than these, or another of the same number.

    A file that is there and does not pass is no market without trades, and neither is one that is gone. Raises
    JinkuError `trades_unsigned`, `trades_unreadable`, `trades_outdated`, `trades_forked`, `trades_missing`,
    `trades_record_unusable` and `key_damaged`.
    """
    if not os.path.lexists(home.market_trades):
        require_none_taken(home.pricing, home.market_trades)
        return NoTrades()
    document = _signed_document(home.market_trades, public_keys_in(home.market_public))
    records = _records_in(home.market_trades, document)
    found = Taken(records.sequence, hash_of(document), records.made_at, records.log_size)
    take(home.pricing, home.market_trades, found, now)
    return records


def _signed_document(path: Path, public_keys: Mapping[str, Ed25519PublicKey]) -> Mapping[str, Any]:
    """A document without its signature, which is that of one of the keys."""
    try:
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _unreadable(path, error.strerror or type(error).__name__) from None
    except (ValueError, RecursionError):
        raise _unreadable(path, "it is not JSON") from None
    signature = document.get("signature") if isinstance(document, dict) else None
    if not isinstance(signature, dict) or not verify_signature(unsigned(document), signature, public_keys):
        raise JinkuError(
            "trades_unsigned",
            "the market's trades are not signed by a key of the market that is known here; nothing is priced by them",
            str(path),
            "Fetch them from the market again, and its public key from the market itself.",
        )
    return unsigned(document)


def _records_in(path: Path, document: Mapping[str, Any]) -> SignedTrades:
    try:
        return _records_of(document)
    except (ValueError, ZeroDivisionError) as error:
        raise _unreadable(path, f"it is signed, and yet {error}") from None
    except (KeyError, TypeError, AttributeError):
        raise _unreadable(path, "it is signed, and yet not of the form of this version") from None


def _records_of(document: Mapping[str, Any]) -> SignedTrades:
    """Raises ValueError, KeyError, TypeError and the like for what is no document of this version."""
    _exactly(document, DOCUMENT_KEYS)
    if document["format"] != FORMAT:
        raise ValueError(f"it is not of the format {FORMAT}")
    made_at = datetime.fromisoformat(document["made_at"])
    if made_at.tzinfo is None:
        raise ValueError("its time has no zone")
    return SignedTrades(
        sequence=document["sequence"],
        log_size=document["log_size"],
        made_at=made_at,
        components={_named(COMPONENT, name): ListedComponent(**each) for name, each in document["components"].items()},
        closed=tuple(_trade(each) for each in document["trades"]),
        sales=tuple(_sale(each) for each in document["sales"]),
        activity={_named(EPOCH, name): Activity(**each) for name, each in document["activity"].items()},
        beta_records=overrides_of(document["beta_overrides"], document["components"]),
    )


def _trade(told: Mapping[str, Any]) -> ClosedTrade:
    _exactly(told, TRADE_KEYS)
    agreed = Trade(
        price=whole_fen("price_fen", told["price_fen"]),
        cost=_amount(told["cost_fen"]),
        information=_amount(told["information"]),
        margin=_amount(told["margin"]),
        arms_length=_truth(told["arms_length"]),
    )
    return ClosedTrade(told["component"], date.fromisoformat(told["closed_on"]), agreed)


def _trade_told(trade: ClosedTrade) -> dict[str, Any]:
    agreed = trade.agreed
    return {
        "component": trade.component,
        "closed_on": trade.closed_on.isoformat(),
        "price_fen": plain(agreed.price),
        "cost_fen": plain(agreed.cost),
        "information": plain(agreed.information),
        "margin": plain(agreed.margin),
        "arms_length": agreed.arms_length,
    }


def _sale(told: Mapping[str, Any]) -> ClearedSale:
    _exactly(told, SALE_KEYS)
    factors = told["factors"]
    return ClearedSale(
        component=told["component"],
        closed_on=date.fromisoformat(told["closed_on"]),
        unit_price_fen=told["unit_price_fen"],
        buyer_id=_named(BUYER, told["buyer"]),
        arms_length=_truth(told["arms_length"]),
        factors=None if factors is None else Factors(**{name: _amount(each) for name, each in factors.items()}),
    )


def _sale_told(sale: ClearedSale, salt: bytes) -> dict[str, Any]:
    return {
        "component": sale.component,
        "closed_on": sale.closed_on.isoformat(),
        "unit_price_fen": sale.unit_price_fen,
        "buyer": hmac.new(salt, sale.buyer_id.encode(), hashlib.sha256).hexdigest()[:32],
        "arms_length": sale.arms_length,
        "factors": None if sale.factors is None else plain(sale.factors),
    }


def _ordered(records: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """By day and content: the order in which a market keeps its records would tell of their buyers."""
    return sorted(records, key=lambda each: (each["closed_on"], json.dumps(each, sort_keys=True)))


def _amount(told: Any) -> Amount:
    """A number, or the word of an exact one such as "3/20"."""
    if isinstance(told, bool) or not isinstance(told, int | float | str):
        raise ValueError("an amount is no number")
    return exact_word(told) if isinstance(told, str) else told


def _exactly(told: Mapping[str, Any], keys: frozenset[str]) -> None:
    if set(told) != keys:
        raise ValueError(f"a part of it has other keys than {', '.join(sorted(keys))}")


def _truth(told: Any) -> bool:
    if not isinstance(told, bool):
        raise ValueError("arms_length is neither true nor false")
    return told


def _named(pattern: re.Pattern[str], name: Any) -> str:
    if not isinstance(name, str) or not pattern.fullmatch(name):
        raise ValueError(f"a name is not of the form {pattern.pattern}")
    return name


def _counted(name: str, count: object, least: int) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or count < least:
        raise ValueError(f"{name} must be a whole number, {least} or more")


def _one_of(name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}")


def _unreadable(path: Path, cause: str) -> JinkuError:
    return JinkuError(
        "trades_unreadable",
        f"the market's trades cannot be read: {cause}",
        str(path),
        "Fetch them from the market again; without any, prices are those of a market that has not opened.",
    )
