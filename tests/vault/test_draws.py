"""Noise is drawn once for the same, paid for before it is drawn, and on record before anybody sees it."""

import math
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
import sqlalchemy as sa

from tests.builders import NOON, PROJECT, column, fresh_vault, rows
from tests.review.result.builders import component
from vault.black_box.log import last_entries
from vault.black_box.reading import reading
from vault.contract import ComponentContract
from vault.disclosure import draws
from vault.disclosure.budgets import Loss, spends_of, spent
from vault.disclosure.draws import Draw, Figure, NoiseRequest, draw_for, draw_of, noisy_table, put_in_place
from vault.disclosure.noise import Range
from vault.errors import JinkuError
from vault.ibis_tables import ibis_table
from vault.layers import Vault, connect
from vault.registry.database import open_registry

LIMIT = Loss(Decimal(4), Decimal("0.000001"))
EXACTLY = Decimal(10_000)
"""So little noise that whole numbers stay as they are, but for once in e^100."""

NAME = "patients_by_district"
DISTRICTS = ("north", "south", "west")


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    return fresh_vault(tmp_path, {})


def contract(epsilon: Decimal = Decimal(1), **changes: Any) -> ComponentContract:
    """Patients and their visits by district, noisy."""
    names = ("patients", "visits")
    return component(
        column("district"),
        column("place"),
        *(column(name, logicalType="integer", role="measure") for name in names),
        subject="aggregate",
        contributions={
            "patients": {"aggregate": "count", "query": "select 1"},
            "visits": {"aggregate": "sum", "query": "select 2", "bounds": {"low": 0, "high": 5}},
        },
        differentialPrivacy={"epsilon": epsilon, "cells": "select 3", **changes},
    )


@contextmanager
def asked(
    vault: Vault, of: ComponentContract | None = None, people: int = 30, cells: str = "('north'), ('south'), ('west')"
) -> Iterator[tuple[duckdb.DuckDBPyConnection, NoiseRequest]]:
    """The request of a component of so many people, each with two visits in the north or the south."""
    of = of or contract()
    with connect(vault, write="components") as connection:
        connection.execute(f"""
            create or replace temporary table visits as
                select 'p' || (range // 2) as contributor, ['north', 'south'][1 + (range // 2) % 2] as district,
                1 as value from range({2 * people})""")
        connection.execute(
            "create or replace temporary table cells as select district, upper(district) as place "
            f"from (values {cells}) as t (district)"
        )
        visits, known = (ibis_table(connection, "temp", "main", name) for name in ("visits", "cells"))
        figures = (Figure("patients", visits), Figure("visits", visits, Range(0, 5, 1)))
        columns = tuple(each.name for each in of.columns)
        yield connection, NoiseRequest(NAME, of, ("clinics",), known, figures, columns)


def made(vault: Vault, draw_id: str, of: ComponentContract | None = None, people: int = 30) -> Draw:
    """The component's noise, drawn or taken, and put in place."""
    with asked(vault, of, people) as (connection, request):
        draw = draw_for(vault, connection, request, LIMIT, NOON, draw_id)
        put_in_place(connection, draw)
    return draw


def in_place(vault: Vault) -> list[tuple[Any, ...]]:
    return rows(vault, f"select * from components.components.{NAME} order by district", "components")


def lost(vault: Vault) -> Decimal:
    """Epsilon that the source has lost, what is only reserved included."""
    with open_registry(vault.home).begin() as registry:
        return spent(registry, "clinics", "person", 2026)[0]


def states(vault: Vault, *draw_ids: str) -> list[str]:
    with open_registry(vault.home).begin() as registry:
        return [each.state for each in spends_of(registry, draw_ids)]


def test_every_cell_has_every_figure_and_what_is_said_of_it(vault: Vault) -> None:
    with asked(vault, contract(EXACTLY)) as (_, request):
        table = noisy_table(request)
    assert table.schema.names == ["district", "place", "patients", "visits"]
    assert table.schema.field("visits").type == pa.int64()
    assert table.to_pylist() == [
        {"district": "north", "place": "NORTH", "patients": 15, "visits": 30},
        {"district": "south", "place": "SOUTH", "patients": 15, "visits": 30},
        {"district": "west", "place": "WEST", "patients": 0, "visits": 0},
    ]


def test_the_same_is_drawn_once_and_costs_once(vault: Vault) -> None:
    first = made(vault, "d1")
    table = in_place(vault)
    assert made(vault, "d2") == first and in_place(vault) == table
    assert lost(vault) == 1 and states(vault, "d1", "d2") == ["committed"]


@pytest.mark.parametrize(("of", "people"), [(None, 31), (contract(Decimal("0.5")), 30), (contract(cellsPerUnit=2), 30)])
def test_other_people_or_another_claim_is_drawn_anew(vault: Vault, of: ComponentContract | None, people: int) -> None:
    first = made(vault, "d1")
    second = made(vault, "d2", of, people)
    assert second.content_key != first.content_key
    assert states(vault, "d1", "d2") == ["committed", "committed"] and lost(vault) > 1


def test_what_was_drawn_before_is_taken_again_when_it_comes_back(vault: Vault) -> None:
    first = made(vault, "d1")
    table = in_place(vault)
    made(vault, "d2", people=31)
    assert made(vault, "d3") == first and in_place(vault) == table and lost(vault) == 2


def test_a_budget_that_is_spent_leaves_the_earlier_table_as_it_was(vault: Vault) -> None:
    for people in (30, 31, 32, 33):
        made(vault, f"d{people}", people=people)
    table = in_place(vault)
    with pytest.raises(JinkuError, match=r"privacy_budget_spent: epsilon 4 of 4 .* are spent, so 1 and 0 more"):
        made(vault, "d34", people=34)
    assert in_place(vault) == table and lost(vault) == 4 and states(vault, "d34") == []
    assert made(vault, "again", people=33).draw_id == "d33", "what was paid for can still be had"


def test_what_cannot_be_drawn_gives_its_budget_back(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(request: NoiseRequest) -> None:
        assert states(vault, "d1") == ["reserved"], "paid for before it is drawn"
        raise ZeroDivisionError

    monkeypatch.setattr(draws, "noisy_table", fails)
    with pytest.raises(ZeroDivisionError):
        made(vault, "d1")
    assert lost(vault) == 0 and states(vault, "d1") == ["released"]
    assert told(vault) == ["reserved", "given back"]


def test_a_draw_is_in_the_black_box_with_what_it_lost(vault: Vault) -> None:
    draw = made(vault, "d1")
    assert told(vault) == ["reserved", "drawn"]
    with reading(vault.home) as registry:
        (*_, last) = last_entries(registry, 9, "noise", NAME)
        assert draw_of(registry, NAME, draw.data_hash) == draw and draw_of(registry, NAME, "other") is None
    assert last.entry.index == draw.entry and last.payload is not None and draw.data_hash in last.payload
    assert '"epsilon":"1"' in last.payload and '"sources":["clinics"]' in last.payload


def told(vault: Vault) -> list[str]:
    with reading(vault.home) as registry:
        payloads = [str(each.payload) for each in last_entries(registry, 9, "noise", NAME)]
    return [state for each in payloads for state in ("reserved", "given back", "drawn") if f'"{state}"' in each]


def test_without_the_black_box_nothing_is_drawn(vault: Vault) -> None:
    made(vault, "d1")
    table = in_place(vault)
    (vault.home.witness / "checkpoints.jsonl").unlink()
    with pytest.raises(JinkuError, match="witness_missing"):
        made(vault, "d2", people=31)
    assert in_place(vault) == table and lost(vault) == 1 and states(vault, "d2") == []


def test_a_kept_table_that_is_not_as_recorded_is_drawn_anew(vault: Vault) -> None:
    made(vault, "d1")
    with connect(vault, write="components") as connection:
        connection.execute("update components.noise.draw_d1 set patients = patients + 1 where district = 'north'")
    assert made(vault, "d2").draw_id == "d2" and lost(vault) == 2
    with connect(vault, write="components") as connection:
        connection.execute("drop schema components.noise cascade")
    assert made(vault, "d3").draw_id == "d3" and lost(vault) == 3


@pytest.mark.parametrize("statement", ["update noise_draw set data_hash = 'x'", "delete from noise_draw"])
def test_a_draw_on_record_is_never_changed(vault: Vault, statement: str) -> None:
    made(vault, "d1")
    with (
        open_registry(vault.home).begin() as registry,
        pytest.raises(sa.exc.IntegrityError, match="a row of noise_draw is never changed"),
    ):
        registry.exec_driver_sql(statement)


@pytest.mark.parametrize(
    ("cells", "cause"),
    [
        ("('north'), ('south'), ('north')", "'cells' gives 1 rows twice"),
        ("(null), (null)", "'cells' gives 1 rows twice"),
        ("('north'), ('south') limit 0", "'cells' gives 0 rows"),
    ],
)
def test_cells_that_are_none_are_refused_before_anything_is_spent(vault: Vault, cells: str, cause: str) -> None:
    with (
        asked(vault, cells=cells) as (connection, request),
        pytest.raises(JinkuError, match=f"noise_unusable: .*{cause}"),
    ):
        draw_for(vault, connection, request, LIMIT, NOON, "d1")
    assert lost(vault) == 0


def test_too_many_cells_are_refused(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(draws, "CELLS_MAX", 2)
    with pytest.raises(JinkuError, match=r"noise_unusable: .*gives 3 rows, and it must be 1 to 2"):
        made(vault, "d1")


def test_a_component_that_claims_nothing_gets_no_noise(vault: Vault) -> None:
    with asked(vault) as (connection, request):
        nothing = request.contract.model_copy(update={"differential_privacy": None})
        with pytest.raises(ValueError, match="claims no differential privacy"):
            draw_for(vault, connection, replace(request, contract=nothing), LIMIT, NOON, "d1")


KILLED = """
import sys
from pathlib import Path
from tests.builders import opened
from tests.vault.test_draws import made
from vault.disclosure import draws
def stop(*arguments):
    print("inside", flush=True)
    sys.stdin.read()
setattr(draws, sys.argv[2], stop)
made(opened(Path(sys.argv[1])), "killed", people=31)
"""


def killed_in(vault: Vault, function: str) -> None:
    """Kill a process that draws the component anew, when it comes to a function."""
    command = [sys.executable, "-c", KILLED, str(vault.home.root), function]
    process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "inside\n"
    os.kill(process.pid, signal.SIGKILL)
    process.wait(timeout=60)


@pytest.mark.parametrize("function", ["noisy_table", "_keep", "commit"])
def test_killed_after_it_was_reserved_a_draw_stays_spent_and_shows_nothing(vault: Vault, function: str) -> None:
    made(vault, "d1")
    table = in_place(vault)
    killed_in(vault, function)
    assert in_place(vault) == table and lost(vault) == 2 and states(vault, "killed") == ["reserved"]
    assert made(vault, "d2", people=31).draw_id == "d2" and lost(vault) == 3


def test_killed_before_it_was_reserved_a_draw_costs_nothing(vault: Vault) -> None:
    made(vault, "d1")
    table = in_place(vault)
    killed_in(vault, "reserve")
    assert in_place(vault) == table and lost(vault) == 1 and states(vault, "killed") == []


def test_what_was_put_on_record_before_the_kill_is_put_in_place_later_at_no_cost(vault: Vault) -> None:
    with asked(vault) as (connection, request):
        draw = draw_for(vault, connection, request, LIMIT, NOON, "d1")
    assert made(vault, "d2") == draw and lost(vault) == 1
    assert in_place(vault) == rows(vault, "select * from components.noise.draw_d1 order by district", "components")


CELLS = 4000


def drawn_counts(vault: Vault, people_in_each: int, figures: int = 1) -> list[int]:
    """A noisy count at epsilon 1 for each of thousands of cells with nobody, or each with one person of its own."""
    with connect(vault, write="components") as connection:
        connection.execute(
            "create temporary table people as select range as contributor, range as district "
            f"from range({people_in_each * CELLS})"
        )
        connection.execute(f"create temporary table cells as select range as district from range({CELLS})")
        people, cells = (ibis_table(connection, "temp", "main", name) for name in ("people", "cells"))
        names = [f"figure_{place}" for place in range(figures)]
        of = component(
            column("district", logicalType="integer"),
            *(column(name, logicalType="integer", role="measure") for name in names),
            subject="aggregate",
            contributions={name: {"aggregate": "count", "query": "select 1"} for name in names},
            differentialPrivacy={"cells": "select 1"},
        )
        asked_for = tuple(Figure(name, people) for name in names)
        request = NoiseRequest(NAME, of, ("clinics",), cells, asked_for, ("district", *names))
        return [int(value) for value in noisy_table(request)["figure_0"].to_pylist()]


def test_one_person_changes_the_chance_of_no_outcome_by_more_than_e_to_the_epsilon(vault: Vault) -> None:
    """The definition itself, P(o | one person) / P(o | nobody) <= e at every outcome o, within a factor of 1.6: it is
    4.7 standard errors or more. At some outcome it is reached, or the noise would be more than was asked for."""
    without, with_one = Counter(drawn_counts(vault, 0)), Counter(drawn_counts(vault, 1))
    common = [value for value in range(-2, 4) if min(without[value], with_one[value]) >= 150]
    ratios = [with_one[value] / without[value] for value in common]
    assert len(common) >= 4
    assert all(1 / (1.6 * math.e) < each < 1.6 * math.e for each in ratios), ratios
    assert max(*ratios, *(1 / each for each in ratios)) > math.e / 1.6


def test_epsilon_is_shared_out_among_the_figures(vault: Vault) -> None:
    """Discrete Laplace of scale b: E|X| = 2q / (1 - q^2), q = e^(-1/b); two figures at 1/2 each have b = 2."""
    for figures in (1, 2):
        q = math.exp(-1 / figures)
        noise = drawn_counts(vault, 0, figures)
        assert sum(map(abs, noise)) / CELLS == pytest.approx(2 * q / (1 - q * q), rel=0.15)
        assert sum(noise) / CELLS == pytest.approx(0, abs=0.3)
