"""Who may do what: one table. What is not in it is not permitted to anybody.

An act belongs to a scope, which a token must hold, and to the roles whose participants may do it at all. Whose things
they may do it to is checked where it is done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

Role = Literal["provider", "developer", "app_developer", "operator", "evaluator", "regulator"]
ROLES: frozenset[str] = frozenset(get_args(Role))
SCOPES: Mapping[str, str] = MappingProxyType(
    {
        "account": "Your own participant, credentials, accounts, statements",
        "catalogue": "Listings, prices, previews and exports",
        "provide": "List components, change prices, open auctions, answer offers",
        "trade": "Order, negotiate, bid, dispute",
        "pull": "Pull the data of your own entitlements",
        "evaluate": "Give evidence on disputes",
        "operate": "Admit, suspend, decide disputes, book deposits and payouts",
        "regulate": "See all trades, freeze, waive, screen",
    }
)


@dataclass(frozen=True)
class Act:
    """Something a participant may do, over which scope, and the roles that may."""

    scope: str
    roles: frozenset[str]


def _act(scope: str, *roles: Role) -> Act:
    return Act(scope, frozenset(roles))


EVERYONE: tuple[Role, ...] = ("provider", "developer", "app_developer", "operator", "evaluator", "regulator")
TRADERS: tuple[Role, ...] = ("provider", "developer", "app_developer")

ACTS: Mapping[str, Act] = MappingProxyType(
    {
        # one door: the participant, its credentials and its two accounts
        "account.read": _act("account", *EVERYONE),
        "account.credentials": _act("account", *EVERYONE),
        "account.statement": _act("account", *EVERYONE),
        "account.withdraw": _act("account", *TRADERS),
        "participant.read": _act("operate", "operator"),
        "participant.decide": _act("operate", "operator"),
        "participant.enrol_anew": _act("operate", "operator"),
        "participant.freeze": _act("regulate", "regulator"),
        "funds.deposit": _act("operate", "operator"),
        "funds.reverse": _act("operate", "operator"),
        "funds.payout": _act("operate", "operator"),
        # catalogue
        "catalogue.read": _act("catalogue", *EVERYONE),
        "listing.read": _act("provide", "developer"),
        "listing.create": _act("provide", "developer"),
        "listing.change": _act("provide", "developer"),
        "listing.retire": _act("provide", "developer"),
        "listing.freeze": _act("regulate", "regulator"),
        # trade
        "order.place": _act("trade", "app_developer", "developer"),
        "order.read": _act("trade", *TRADERS),
        "negotiation.open": _act("trade", "app_developer", "developer"),
        "negotiation.answer": _act("trade", *TRADERS),
        "negotiation.waive": _act("regulate", "regulator"),
        "auction.create": _act("provide", "developer"),
        "auction.read": _act("catalogue", *EVERYONE),
        "auction.bid": _act("trade", "app_developer", "developer"),
        "dispute.open": _act("trade", "app_developer", "developer"),
        "dispute.read": _act("trade", *TRADERS),
        "dispute.answer": _act("trade", *TRADERS),
        "dispute.evidence": _act("evaluate", "evaluator"),
        "dispute.decide": _act("operate", "operator"),
        # data
        "entitlement.read": _act("account", *EVERYONE),
        "data.pull": _act("pull", "app_developer", "developer"),
        "data.trace": _act("regulate", "regulator"),
        # oversight
        "oversight.trades": _act("regulate", "regulator"),
        "oversight.screens": _act("regulate", "regulator"),
        "oversight.cases": _act("regulate", "regulator"),
        "oversight.permit_revenue": _act("regulate", "regulator"),
        "oversight.set_beta": _act("regulate", "regulator"),
        "oversight.log": _act("regulate", "regulator", "operator"),
        "oversight.export_trades": _act("operate", "operator"),
    }
)


def refusal(act: str, role: str, scopes: frozenset[str]) -> str | None:
    """Why a role with these scopes may not do this; None where it may. An act that the table lacks is refused."""
    rule = ACTS.get(act)
    if rule is None:
        return f"No rule permits '{act}'."
    if role not in rule.roles:
        return f"'{act}' is permitted to {', '.join(sorted(rule.roles))}, not to {role}."
    if rule.scope not in scopes:
        return f"'{act}' needs the scope '{rule.scope}', which this token does not hold."
    return None


def scopes_of(role: str) -> frozenset[str]:
    """All scopes that a role can make use of."""
    return frozenset(act.scope for act in ACTS.values() if role in act.roles)
