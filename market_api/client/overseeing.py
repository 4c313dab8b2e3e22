"""What the regulator asks and decides: the black box by subject, and β of P²."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from market_api.client.connection import Connection


class Overseeing:
    """The regulator's side of the market. Every method raises MarketError where the market refuses."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def entries_about(self, subject: str) -> Iterator[Mapping[str, Any]]:
        """The black box's entries about an order, a participant, a listing or anything else, the first first. `proof`
        is what `vault.black_box.proofs.proves_inclusion` checks with the market's public key, null until it is
        signed."""
        return self._connection.pages(f"/v1/oversight/log/subjects/{quote(subject, safe='')}")

    def set_beta(
        self,
        beta: str | None,
        first_epoch: str,
        last_epoch: str,
        reason: str,
        component: str | None = None,
        field: str | None = None,
        key: str = "",
    ) -> Mapping[str, Any]:
        """Set β of P² for a component or a field from a quarter to come, such as '2027q1', to another one.

        beta: a decimal within [0.8, 1.2], such as '1.1'; None takes earlier records back. key: see `Market`.
        """
        body = {
            "component": component,
            "field": field,
            "beta": beta,
            "first_epoch": first_epoch,
            "last_epoch": last_epoch,
            "reason": reason,
        }
        return self._connection.post("/v1/oversight/beta-overrides", body, key)

    def betas(self, component: str | None = None, field: str | None = None) -> Iterator[Mapping[str, Any]]:
        """What was set of β, in the order in which it was; the last record of a component or field is in force."""
        return self._connection.pages("/v1/oversight/beta-overrides", component=component, field=field)
