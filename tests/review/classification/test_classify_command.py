"""`jinku classify` on the sample city and on real files: what it proposes, what it shows, and what stands."""

import json
from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from orchestration.commands.classify import classify, proposals_of_file
from orchestration.declarations import declarations
from review.classification.column_facts import ColumnFacts, column_facts
from review.classification.proposing import ColumnName, Proposal, propose
from samples.city import build_city
from tests.builders import REAL_DATA, collect_all, fresh_vault
from vault.contract import Column, SourceContract
from vault.errors import JinkuError
from vault.layers import Vault, connect
from vault.ledger import tables_of

Facts = list[tuple[Column, ColumnFacts, str]]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Vault:
    """The sample city as it is collected, nothing built from it."""
    root = tmp_path_factory.mktemp("classified")
    vault = fresh_vault(root / "home", declarations().sources)
    build_city(vault.home.landing, truth=root / "truth", scale=0.02, seed=20180601)
    for source in ("air_quality", "taxi_trips", "clinic_visits"):
        for more in sorted((vault.home.landing / source).iterdir())[1:]:
            more.unlink()
    assert all(batch.reason is None for batch in collect_all(vault, declarations().sources))
    return vault


@pytest.fixture(scope="module")
def facts(city: Vault) -> Facts:
    """Every column of every source with its counts and its table."""
    found = []
    with connect(city, read=("raw",)) as engine:
        for source, contract in declarations().sources.items():
            for table, columns in tables_of(source, contract).items():
                counts = column_facts(engine, f"raw.raw.{table}", [column.name for column in columns])
                found += zip(columns, counts, [table] * len(columns), strict=True)
    return found


def proposals(facts: Facts, *, renamed: bool) -> list[Proposal]:
    """Of every column; renamed: as if nobody knew what it is called."""
    found: list[Proposal] = []
    for _, own in groupby(facts, lambda each: each[2]):
        columns, counts, _ = zip(*own, strict=True)
        names = [
            ColumnName("c1", "c1", column.logical_type, column.role)
            if renamed
            else ColumnName(column.name, column.header, column.logical_type, column.role)
            for column in columns
        ]
        found += propose(names, counts)
    return found


def recall(found: Sequence[Proposal], role: str) -> float:
    of_role = [each for each in found if each.column.role == role]
    return sum(each.agrees for each in of_role) / len(of_role)


def test_the_contracts_of_the_sample_city_are_what_would_be_proposed(facts: Facts) -> None:
    found = proposals(facts, renamed=False)
    assert len(found) == 116
    assert [each.column.name for each in found if not each.agrees] == []


def test_without_their_names_few_columns_are_taken_for_less_than_they_are_and_none_for_more(facts: Facts) -> None:
    found = proposals(facts, renamed=True)
    assert [each.column.name for each in found if each.looks_more_sensitive] == []
    assert sum(each.agrees for each in found) >= 108
    assert recall(found, "identifier") >= 8 / 9 and recall(found, "sensitive") == 1
    assert recall(found, "quasi_identifier") >= 1 / 2, (
        "codes from 1 to 8 and numbers of zones say nothing by themselves"
    )


def shown(vault: Vault, monkeypatch: pytest.MonkeyPatch, source: str, **options: bool) -> tuple[str, int]:
    monkeypatch.setenv("JINKU_HOME", str(vault.home.root))
    console = Console(width=200, record=True)
    status = classify(console, source, options.get("as_yaml", False), options.get("strict", False))
    return console.export_text(), status


def test_declared_and_proposed_stand_side_by_side(city: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    text, status = shown(city, monkeypatch, "residents", strict=True)
    assert status == 0
    line = next(line for line in text.splitlines() if line.startswith("id_number"))
    assert (
        line.split()[1:4] == ["identifier", "identifier", "sensitive"] and "check digit of an identity number" in line
    )
    assert "11 columns, 0 proposed otherwise; the declared roles stand" in text


def test_every_table_of_an_archive_is_shown(city: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    text, _ = shown(city, monkeypatch, "subway_timetable")
    assert text.count("subway_timetable__") == len(declarations().sources["subway_timetable"].tables)


def test_no_value_is_shown(city: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    text, _ = shown(city, monkeypatch, "residents")
    shown(city, monkeypatch, "residents", as_yaml=True)
    told = text + capsys.readouterr().out
    with connect(city, read=("raw",)) as engine:
        values = engine.execute(
            "select distinct unnest([id_number, name, birth_date, phone, address]) from raw.raw.residents"
        ).fetchall()
    assert len(values) > 500 and not [value for (value,) in values if value and value in told]


def less_is_declared(contract: SourceContract) -> SourceContract:
    """The contract as if the identity number were an ordinary column."""
    columns = [
        column.model_copy(update={"role": "attribute"}) if column.name == "id_number" else column
        for column in contract.columns
    ]
    return contract.model_copy(update={"columns": tuple(columns)})


def test_strict_fails_where_less_is_declared_and_nothing_is_changed(
    city: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = declarations()
    changed = type(known)(
        {"residents": less_is_declared(known.sources["residents"])}, known.components, known.products, known.tables, ()
    )
    monkeypatch.setattr("orchestration.commands.classify.declarations", lambda: changed)
    text, status = shown(city, monkeypatch, "residents", strict=True)
    assert status == 1 and "more sensitive than declared: id_number" in text
    assert shown(city, monkeypatch, "residents")[1] == 0
    capsys.readouterr()
    shown(city, monkeypatch, "residents", as_yaml=True)
    block = capsys.readouterr().out
    assert "  # proposed: identifier, sensitive personal: " in block
    own = {each["name"]: each["role"] for each in yaml.safe_load(block)["columns"]}
    assert own["id_number"] == "attribute", "the declared role stands"


def test_the_block_can_be_pasted_back(
    city: Vault, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for source in ("residents", "hire_bases"):
        shown(city, monkeypatch, source, as_yaml=True)
        contract = declarations().sources[source]
        document = contract.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        pasted = {**document, "columns": yaml.safe_load(capsys.readouterr().out)["columns"]}
        assert SourceContract.model_validate(pasted) == contract


def test_a_file_that_no_source_declares_gets_columns_to_begin_with(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "patients.csv"
    lines = [f"11010519491231002X,J45.9,{day}.5,{1 + day % 28}" for day in range(60)]
    path.write_text("\n".join(["Sfzh,诊断,Cost (CNY),visitDay", *lines]))
    assert classify(Console(), str(path), as_yaml=True, strict=True) == 0
    block = yaml.safe_load(capsys.readouterr().out)["columns"]
    assert [(each["name"], each["logicalType"], each["role"]) for each in block] == [
        ("sfzh", "string", "identifier"),
        ("column_2", "string", "sensitive"),
        ("cost_cny", "number", "measure"),
        ("visit_day", "integer", "timestamp"),
    ]
    assert [each.get("physicalName") for each in block] == ["Sfzh", "诊断", "Cost (CNY)", "visitDay"]


def test_headers_that_come_to_the_same_name_are_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "two.csv"
    path.write_text("\n".join(["a b,a_b", *(f"1380013{n:04d},{n % 2}" for n in range(60))]))
    (found,) = proposals_of_file(path).values()
    assert [(each.column.name, each.role) for each in found] == [("a_b", "identifier"), ("a_b_2", "attribute")]


def test_json_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "visits.ndjson"
    path.write_text("\n".join(json.dumps({"mobile": f"13800138{n:03d}", "n": n}) for n in range(60)))
    (found,) = proposals_of_file(path).values()
    assert [each.role for each in found] == ["identifier", "identifier"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("nowhere", None, r"unknown_source: 'nowhere' is no source and no file .*Known: air_quality, "),
        ("sheet.xlsx", b"PK", "table_unreadable: no reader for the ending '.xlsx'"),
        ("bad.csv", "姓名\n王伟\n".encode("gb18030") * 50, "table_unreadable: the file cannot be read as .csv"),
        ("bad.parquet", b"nothing", "table_unreadable: the file cannot be read as .parquet"),
    ],
)
def test_what_cannot_be_read_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: bytes | None, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if content is not None:
        Path(name).write_bytes(content)
    with pytest.raises(JinkuError, match=message):
        classify(Console(), name, as_yaml=False, strict=False)


def test_a_home_without_a_city_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JINKU_HOME", str(tmp_path))
    with pytest.raises(JinkuError, match="no_city"):
        classify(Console(), "residents", as_yaml=False, strict=False)


REAL: dict[str, dict[str, tuple[str, ...]]] = {
    "shenzhen_transit_card/szt_card_data_part14.csv.gz": {
        "identifier": ("card_no", "car_no"),
        "quasi_identifier": ("station",),
        "measure": ("deal_money", "deal_value"),
        "timestamp": ("deal_date", "close_date"),
    },
    "nyc_reference/fhv_bases.csv": {"identifier": ("base_number", "base_name", "dba"), "attribute": ("dba_category",)},
    "adult_arx/adult.csv.gz": {
        "quasi_identifier": ("sex", "age", "race", "marital_status", "education", "native_country", "workclass",
                             "occupation"),
        "sensitive": ("salary_class",),
    },
    "dirty_clean/hospital/dirty.csv": {"identifier": ("address_1", "phone"), "quasi_identifier": ("zip", "county")},
    "china_divisions/areas.csv": {"attribute": ("code", "name", "city_code", "province_code")},
}  # fmt: skip
"""Roles of real columns, as the notes on these files state them."""


@pytest.mark.parametrize("name", REAL)
def test_real_files_get_the_roles_that_are_known_of_them(name: str) -> None:
    if not (REAL_DATA / name).exists():
        pytest.skip(f"the real data are not there: {REAL_DATA / name}")
    (found,) = proposals_of_file(REAL_DATA / name).values()
    roles = {each.column.name: each.role for each in found}
    expected = {column: role for role, columns in REAL[name].items() for column in columns}
    assert {column: roles[column] for column in expected} == expected
    assert Counter(roles.values())["identifier"] <= len(REAL[name].get("identifier", ())) + 1
