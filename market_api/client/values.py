"""What the market tells, as frozen values: times as text (UTC, ISO 8601), amounts in whole fen.

Each keeps, as `document`, all that the market said. Members that a later market adds do no harm.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, TypeVar

from market_api.trading.terms import Terms

Value = TypeVar("Value")
READ = "read"


def value_of(kind: type[Value], document: Mapping[str, Any]) -> Value:
    """A value of what it knows of a document. Raises TypeError where the document lacks what the value needs."""
    known = {
        each.name: each.metadata[READ](document[each.name]) if READ in each.metadata else document[each.name]
        for each in fields(kind)  # type: ignore[arg-type]
        if each.name in document
    }
    return kind(**{**known, "document": document})


def terms_of(document: Mapping[str, Any]) -> Terms:
    """Licence terms of what is known of them."""
    names = {each.name for each in fields(Terms)}
    return Terms.read({name: value for name, value in document.items() if name in names})


def terms_for(purposes: Sequence[str], **terms: Any) -> Terms:
    """Licence terms for purposes in any order. Raises ValueError for what does not fit together."""
    return Terms(tuple(sorted(set(purposes))), **terms)


def _each(kind: type[Value]) -> Mapping[str, Callable[[Any], tuple[Value, ...]]]:
    return {READ: lambda documents: tuple(value_of(kind, each) for each in documents)}


_TERMS = {READ: terms_of}
_TUPLE = {READ: tuple}
_PAIRS = {READ: lambda pairs: tuple(tuple(pair) for pair in pairs)}
_TUPLE_OR_NONE = {READ: lambda told: None if told is None else tuple(told)}


@dataclass(frozen=True, kw_only=True)
class Component:
    """A component as the catalogue lists it. price_fen: posted, None where it is negotiated or auctioned; cost_fen: P',
    negotiated_fen: P¹, guide_fen: P²; ceiling_fen: of a guided price; terms: the widest licence that is offered."""

    component: str
    release: str
    number: int
    listing_id: str
    state: str
    title_en: str
    title_zh: str
    application_field: str
    seller_id: str
    regime: str
    price_fen: int | None
    cost_fen: int
    negotiated_fen: int
    guide_fen: int
    ceiling_fen: int | None
    terms: Terms = field(metadata=_TERMS)
    rows: int
    columns: tuple[str, ...] = field(metadata=_TUPLE)
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """One's own listing, whatever its state. shares: who gets which part of a sale; warnings: of the lint, when it was
    listed."""

    listing_id: str
    component: str
    release: str
    state: str
    price_fen: int | None
    guide_fen: int
    shares: tuple[tuple[str, str], ...] = field(metadata=_PAIRS)
    warnings: tuple[str, ...] = field(metadata=_TUPLE, default=())
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class PriceStep:
    """A step of a price. value: an exact number as a decimal, None where there is none; unit: 'fen', 'bit', 'record' or
    '1'."""

    symbol: str
    name: str
    value: str | None
    unit: str
    formula: str
    words: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """How much lower P¹ and P² would be with a tenth less of one thing, in fen; None where it does not touch them."""

    symbol: str
    name: str
    negotiated_fen: int | None
    guide_fen: int | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Price:
    """Why a component costs what it costs. prices: the posted one, P', P¹, P² and the ceiling; sale: who gets what of
    it; negotiation: the band, None where there is none."""

    component: str
    release: str
    listing_id: str
    regime: str
    regime_in_words: str
    prices: Mapping[str, int | None]
    negotiation: Mapping[str, Any] | None
    auction: Mapping[str, Any]
    steps: tuple[PriceStep, ...] = field(metadata=_each(PriceStep))
    effects: tuple[Effect, ...] = field(metadata=_each(Effect))
    moves_most: Mapping[str, Any]
    epoch: str
    valued_at: str
    flags: tuple[str, ...] = field(metadata=_TUPLE)
    sale: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a component looks like. rows: synthetic, none is real; schema: its columns; facts: what was measured."""

    component: str
    release: str
    rows: tuple[Mapping[str, Any], ...] = field(metadata=_TUPLE)
    schema: Mapping[str, Any]
    facts: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """An order that was paid, and the entitlement that it gave."""

    order_id: str
    entitlement_id: str
    price_fen: int
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Order:
    """An order of one's own, bought or sold. origin: 'posted', 'negotiation' or 'auction'."""

    order_id: str
    state: str
    listing_id: str
    release_id: str
    component: str
    buyer_id: str
    seller_id: str
    origin: str
    price_fen: int
    pay_until: str
    settled_at: str | None
    dispute_until: str | None
    terms: Terms = field(metadata=_TERMS)
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An offer in a negotiation. party: 'buyer' or 'seller'."""

    number: int
    party: str
    price_fen: int
    made_at: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Negotiation:
    """A negotiation. lowest_fen, highest_fen: its band; agreed_fen and order_id: once it is agreed."""

    negotiation_id: str
    listing_id: str
    release_id: str
    seller_id: str
    buyer_id: str
    state: str
    terms: Terms = field(metadata=_TERMS)
    terms_hash: str
    lowest_fen: int
    highest_fen: int
    agreed_fen: int | None
    order_id: str | None
    expires_at: str
    offers: tuple[Offer, ...] = field(metadata=_each(Offer), default=())
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Auction:
    """An auction. stage_until: when its stage ends; rules: as they were announced; price_fen and least_bid_fen: of an
    English one, what its leader would pay and the least that a new bidder can bid; awards: after the close."""

    auction_id: str
    state: str
    stage_until: str
    rules: Mapping[str, Any]
    rules_hash: str
    price_fen: int | None = None
    least_bid_fen: int | None = None
    awards: tuple[Mapping[str, Any], ...] | None = field(metadata=_TUPLE_OR_NONE)
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One's own part in an auction. bidder: one's pseudonym; order_id: of what was won."""

    auction_id: str
    bidder: str
    is_leading: bool | None
    deposit: Mapping[str, Any] | None
    bids: tuple[Mapping[str, Any], ...] = field(metadata=_TUPLE)
    order_id: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Entitlement:
    """What may be pulled: how often still (None: without limit), and until when."""

    entitlement_id: str
    component: str
    release: str
    state: str
    reason: str | None
    order_id: str
    terms: Terms = field(metadata=_TERMS)
    pulls_used: int
    pulls_left: int | None
    valid_until: str
    exclusive_until: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Account:
    """One door, two accounts: who one is, the funds in fen by kind, and how many entitlements are in each state."""

    participant_id: str
    role: str
    registered_name: str
    state: str
    funds: Mapping[str, Any]
    data: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def available_fen(self) -> int:
        """What may be spent."""
        return int(self.funds["available_fen"])


@dataclass(frozen=True, kw_only=True)
class Posting:
    """An entry of a statement. account: 'available', 'held' or 'pending'; change_fen: of that account; voucher: the
    number of the invoice or the credit note, once it is issued."""

    at: str
    account: str
    kind: str
    reference: str
    voucher: str | None = None
    change_fen: int
    balance_fen: int
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Statement:
    """Every posting of a period. opening + all changes = closing, for each account, in fen."""

    opening: Mapping[str, int]
    closing: Mapping[str, int]
    entries: tuple[Posting, ...] = field(metadata=_each(Posting))
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Invoice:
    """The invoice of a sale: net + VAT = gross, in fen. credit_note: number and amounts of what was credited of it
    since, None where nothing was."""

    number: str
    order_id: str
    net_fen: int
    vat_fen: int
    gross_fen: int
    issued_at: str
    credit_note: Mapping[str, Any] | None = None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class CreditNote:
    """What was given back of a sale, taken back of its invoice: net + VAT = gross, in fen. fee_fen: the market's fee
    that is in the net."""

    number: str
    invoice_number: str
    order_id: str
    dispute_id: str
    net_fen: int
    vat_fen: int
    gross_fen: int
    fee_fen: int
    issued_at: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Notice:
    """What one was told of a component. kind: 'change', 'retirement', 'freeze', 'release', 'share' or 'market_factor',
    which the regulator set."""

    notice_id: str
    kind: str
    component: str
    at: str
    told: Mapping[str, Any]
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Dispute:
    """A dispute about an order. reason, refund_fen, licence: once it is decided; component, datasheet_hash, price_fen:
    of what was sold, and statements: what was said, all where it was asked for by its id."""

    dispute_id: str
    state: str
    order_id: str
    ground: str
    reason: str | None
    refund_fen: int | None
    licence: str | None
    component: str | None = None
    datasheet_hash: str | None = None
    price_fen: int | None = None
    statements: tuple[Mapping[str, Any], ...] = field(metadata=_TUPLE, default=())
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """An entry of the black box about a sale that is disputed. by: 'buyer', 'seller' or 'market'; step: such as
    'order.settle'."""

    index: int
    entry_hash: str
    at: str
    subject: str
    by: str
    step: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def reference(self) -> Mapping[str, Any]:
        """By which a statement refers to it."""
        return {"kind": "log_entry", "index": self.index, "entry_hash": self.entry_hash}


@dataclass(frozen=True, kw_only=True)
class Deposit:
    """A transfer that was booked. reversal: when it was taken back and why, None where it stands."""

    deposit_id: str
    participant_id: str
    amount_fen: int
    bank_reference: str
    at: str
    reversal: Mapping[str, Any] | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Payout:
    """Funds that are to be paid out. state: 'requested', 'paid', 'rejected' or 'cancelled'; reason: of a rejection."""

    payout_id: str
    participant_id: str
    amount_fen: int
    state: str
    reason: str | None = None
    created_at: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Participant:
    """A participant as the operator sees it. party: the name under which datasheets know it."""

    participant_id: str
    role: str
    registered_name: str
    taxpayer: str
    party: str | None
    state: str
    reason: str | None
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class Application:
    """What came of applying, or of enrolling anew. client_secret: told this once."""

    client_id: str
    client_secret: str = field(repr=False)
    state: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class EnrolmentCode:
    """A code for a participant that lost all its secrets. enrolment_code: told this once; expires_at: until when it is
    good."""

    participant_id: str
    credential_id: str
    enrolment_code: str = field(repr=False)
    expires_at: str
    document: Mapping[str, Any] = field(repr=False, compare=False)
