"""Who plays: they apply, are admitted by the operator, pay in, and list what they have to sell."""

from dataclasses import dataclass

from market_api.client import Listing, Market, Terms, apply
from market_api.commands.finding import step_figure
from market_api.commands.terminal import money
from market_api.demo.goods import Goods
from market_api.demo.stage import Stage
from market_api.demo.telling import figures, heading, must, sentences, tell
from market_api.identity.participants import first_operator

FUNDS_FEN = 10_000_000
PROVIDERS_SHARE = "3/10"
STEPS = ("V", "Q", "E", "D", "I", "ΣC_x", "C_xm", "P'", "A_k·I", "P¹", "P_b", "Φ", "P²")
"""Of an explanation, those that are told here."""


@dataclass(frozen=True)
class Player:
    """A participant: its id, its name and its own connection."""

    participant_id: str
    name: str
    market: Market


@dataclass(frozen=True)
class Cast:
    """operator: admits; developer: made the components; provider: holds the rights below them; navigation, logistics:
    develop applications."""

    operator: Market
    developer: Player
    provider: Player
    navigation: Player
    logistics: Player

    def close(self) -> None:
        """Let go of all connections."""
        for market in (self.operator, *(each.market for each in self.players)):
            market.close()

    @property
    def players(self) -> tuple[Player, ...]:
        """All but the operator."""
        return self.developer, self.provider, self.navigation, self.logistics


def admitted(stage: Stage, posted: Goods) -> Cast:
    """Everybody, admitted and with funds. posted: whose owner and holder of rights take part."""
    heading("1  Who takes part", stage.clock())
    operator = Market(stage.url, *first_operator(stage.market))
    cast = Cast(
        operator,
        _player(stage, operator, "developer", "Zhihui Mobility", posted.owner),
        _player(stage, operator, "provider", posted.holders[0], posted.holders[0]),
        _player(stage, operator, "app_developer", "Luwang Navigation"),
        _player(stage, operator, "app_developer", "Chengyun Logistics"),
    )
    for place, player in enumerate((cast.navigation, cast.logistics)):
        operator.operating.deposit(player.participant_id, FUNDS_FEN, f"2026-0001-{place}")
    figures(
        *((each.name, money(each.market.account().available_fen), _described(each)) for each in cast.players),
    )
    tell(
        "Each applied, was admitted by the operator, and has one identity with two accounts: funds and data (一口两户)."
    )
    return cast


def listed(stage: Stage, cast: Cast, posted: Goods, auctioned: Goods) -> Listing:
    """Two components on sale: one posted, the other on request, whose listing is given."""
    heading("2  What is on sale, and why it costs what it costs", stage.clock())
    first = _list(cast, posted, is_posted=True)
    second = _list(cast, auctioned, is_posted=False)
    must(first.price_fen == first.guide_fen, "a release was not listed at its guide price")
    found = {each.component: each for each in cast.navigation.market.search()}
    must({first.component, second.component} == set(found), "what was listed is not what is found")
    figures(
        (posted.release, money(first.price_fen), posted.title),
        (auctioned.release, "on request", auctioned.title),
    )
    _explain(cast.navigation.market, posted)
    return second


def _list(cast: Cast, goods: Goods, *, is_posted: bool) -> Listing:
    """The provider shares as its sources contributed where all are its own, as agreed where some are, else not."""
    terms = Terms(goods.purposes, users=10, pulls=24)
    selling, seller_id = cast.developer.market.selling, cast.developer.participant_id
    if goods.holders == (cast.provider.name,):
        return selling.list_release(goods.release, terms, providers_share=PROVIDERS_SHARE, is_posted=is_posted)
    agreed = {seller_id: "7/10", cast.provider.participant_id: PROVIDERS_SHARE}
    shares = agreed if cast.provider.name in goods.holders else {seller_id: "1"}
    return selling.list_release(goods.release, terms, shares, is_posted=is_posted)


def _player(stage: Stage, operator: Market, role: str, name: str, party: str | None = None) -> Player:
    taxpayer = "none" if role == "provider" else "general"
    applied = apply(stage.url, role, name, taxpayer)
    operator.operating.admit(applied.client_id, party)
    return Player(applied.client_id, name, Market(stage.url, applied.client_id, applied.client_secret))


def _described(player: Player) -> str:
    return player.market.account().role.replace("_", " ")


def _explain(reader: Market, goods: Goods) -> None:
    told = reader.price(goods.component)
    steps = {each.symbol: each for each in told.steps}
    tell(f"{told.release}, step by step, from its signed datasheet (元件规格书):")
    shown = [steps[symbol] for symbol in STEPS if symbol in steps]
    sentences(*((step.symbol, step_figure(step), step.words) for step in shown))
    tell(str(told.moves_most["guide"]["words"]))
