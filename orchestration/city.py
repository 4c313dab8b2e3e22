"""The city a run works on: its home, its vault and its declarations.

What judges tables is imported when a table is judged: definitions must load quickly.
"""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from pydantic import PrivateAttr

from orchestration.declarations import Declarations, declarations
from orchestration.failures import clear_failures
from orchestration.run_record import record_begin, record_end
from vault.black_box.recording import recording
from vault.collection import encrypt_as_graded
from vault.contract import SourceContract
from vault.errors import JinkuError
from vault.home import Home, home_from, prepare, settings_from
from vault.keys import create_master_key, derived_key
from vault.layers import Vault, connect, open_vault
from vault.ledger import prepare_ledger
from vault.rights.declared import confirm_declared

if TYPE_CHECKING:
    from expectations.judging import Judgement, Rules, Run
    from orchestration.valuation.rates import Rates
    from review.origin.facts import SourceFacts
    from review.policy import Policy
    from vault.valuations import Valuation


class City(dg.ConfigurableResource):  # type: ignore[type-arg]
    """What every asset needs: where things are, and the keys to them. It lives as long as a run does."""

    _judgements: list[Any] = PrivateAttr(default_factory=list)
    _valuations: list[Any] = PrivateAttr(default_factory=list)
    _rates: Any = PrivateAttr(default=None)
    _policy: Any = PrivateAttr(default=None)
    _source_facts: dict[str, Any] = PrivateAttr(default_factory=dict)
    _rights_are_confirmed: bool = PrivateAttr(default=False)

    def remember(self, judgement: "Judgement") -> None:
        """Keep a table's judgement for the pages that are written once, when the run ends."""
        self._judgements.append(judgement)

    def rates(self, now: datetime) -> "Rates":
        """What the components of this run are priced by: found once, so that all are priced alike."""
        from orchestration.valuation.rates import rates_of

        if self._rates is None:
            self._rates = rates_of(self.home, self.declarations, now)
        rates: Rates = self._rates
        return rates

    def remember_valuation(self, valuation: "Valuation") -> None:
        """Keep a component's valuation for its page, which is written when the run ends."""
        self._valuations.append(valuation)

    def policy(self) -> "Policy":
        """The policy of the security review, read once a run. Raises JinkuError `policy_unusable`."""
        from review.policy import policy_from

        if self._policy is None:
            self._policy = policy_from()
        policy: Policy = self._policy
        return policy

    @property
    def source_facts(self) -> dict[str, "SourceFacts"]:
        """What the review measured of sources in this run: every source once, whatever rests on it."""
        return self._source_facts

    def confirm_rights(self, now: datetime) -> None:
        """Put the rights that the declarations state on record, once a run. Raises JinkuError as `recording` does."""
        if not self._rights_are_confirmed:
            known = self.declarations
            with recording(self.vault(), now) as record:
                confirm_declared(record, known.sources, known.components, now, known.products)
            self._rights_are_confirmed = True

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Put the beginning of a run into the black box; a run that cannot be recorded does not begin."""
        if context.run is not None:
            with clear_failures():
                record_begin(self.vault(), context.run, datetime.now(UTC))

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Record how the run's checks went, and write the pages of all that was judged and valued in it."""
        if context.run is None or context.instance is None or context.log is None:
            return
        problems: list[str] = []
        try:
            record_end(self.vault(), context.run, self._judgements, datetime.now(UTC))
        except JinkuError as error:
            problems.append(str(error))
        if self._judgements:
            problems += self._write_quality(context.instance, context.run.run_id)
        if self._valuations:
            from orchestration.valuation.pages_of_run import write_valuation_pages

            problems += write_valuation_pages(self.home, self._valuations, datetime.now(UTC))
        for problem in problems:
            context.log.warning(problem)

    def _write_quality(self, storage: dg.DagsterInstance, run_id: str) -> tuple[str, ...]:
        from expectations.history import open_history
        from expectations.judging import write_pages_of_run
        from orchestration.words import words_of_contracts

        engine = open_history(self.home.quality)
        run = run_of(storage, run_id)
        words = words_of_contracts(self.declarations)
        return write_pages_of_run(
            engine, self.home.reports, self._judgements, words, rules_in_force(), run, datetime.now(UTC)
        )

    @property
    def home(self) -> Home:
        """The home named by JINKU_HOME."""
        return home_from(os.environ)

    @property
    def declarations(self) -> Declarations:
        """Every declaration below assets/."""
        return declarations()

    @property
    def sources(self) -> Mapping[str, SourceContract]:
        """The declared sources by name."""
        return self.declarations.sources

    def vault(self) -> Vault:
        """The opened vault. Raises JinkuError where its key cannot be had."""
        return open_vault(self.home, settings_from(os.environ))


def run_of(storage: dg.DagsterInstance, run_id: str) -> "Run":
    """A run and when it was made."""
    from expectations.judging import Run

    record = storage.get_run_record_by_id(run_id)
    assert record is not None
    return Run(run_id, record.create_timestamp.astimezone(UTC))


def rules_in_force() -> "Rules":
    """The weights and waivers that tables are judged by today."""
    from expectations.judging import Rules
    from expectations.waivers import load_waivers
    from expectations.weights import beta_set

    return Rules(beta_set(), load_waivers())


def found_city() -> Vault:
    """Make the home ready: folders, master key, raw layer with a table per declared source.

    Raises JinkuError where the home cannot be written or the key cannot be had.
    """
    home = home_from(os.environ)
    prepare(home)
    create_master_key(home)
    vault = open_vault(home, settings_from(os.environ))
    with connect(vault, write="raw") as connection:
        prepare_ledger(connection, declarations().sources, derived_key(vault.master, "pseudonym/person"))
        encrypt_as_graded(vault, connection, declarations().sources)
    for layer in ("warehouse", "components"):
        if not home.layer(layer).exists():
            with connect(vault, write=layer):
                pass  # dbt attaches the file; it must be there, encrypted, from the first moment
    return vault
