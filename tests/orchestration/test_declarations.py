"""A wrong declaration is refused with file, line, caret and the nearest name; nothing runs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestration.declarations import declarations, read_declaration
from tests.builders import jinku, project_copy, source_attributes


def declared(folder: Path, attributes: dict[str, Any], kind: str = "orchestration.kinds.Source") -> Path:
    path = folder / "sources" / "readings" / "defs.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(yaml.safe_dump({"type": kind, "attributes": attributes}, sort_keys=False, allow_unicode=True))
    return path


def faults_of(tmp_path: Path, attributes: dict[str, Any], **options: str) -> str:
    _, _, faults = read_declaration(declared(tmp_path, attributes, **options))
    return "\n".join(faults)


def test_a_misspelt_key_names_the_nearest(tmp_path: Path) -> None:
    attributes = source_attributes()
    attributes["refreshPeriode"] = attributes.pop("refreshPeriod")
    said = faults_of(tmp_path, attributes)
    assert "unknown key 'refreshPeriode'; did you mean 'refreshPeriod'?" in said
    assert "missing key 'refreshPeriod'" in said
    place = next(line for line in said.splitlines() if "refreshPeriode'" in line)
    line = int(place.split("defs.yaml:")[1].split(":")[0])
    text = (tmp_path / "sources" / "readings" / "defs.yaml").read_text().splitlines()
    assert text[line - 1].strip().startswith("refreshPeriode")
    assert "\n      refreshPeriode: daily\n      ^" in said


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"logicalType": "strng"}, "'strng' is not one of string, integer"),
        ({"logicalType": "strng"}, "did you mean 'string'?"),
        ({"role": "identifer"}, "did you mean 'identifier'?"),
        ({"name": "Meter"}, "String should match pattern"),
        ({"descripton": "x"}, "did you mean 'description'?"),
    ],
)
def test_a_wrong_column_is_pointed_at(tmp_path: Path, changes: dict[str, str], message: str) -> None:
    attributes = source_attributes()
    attributes["columns"] = [{**attributes["columns"][0], **changes}]
    assert message in faults_of(tmp_path, attributes)


def test_columns_declared_twice_are_refused(tmp_path: Path) -> None:
    attributes = source_attributes()
    attributes["columns"] = [attributes["columns"][0]] * 2
    assert "declared twice: meter" in faults_of(tmp_path, attributes)


def test_an_unknown_kind_is_refused(tmp_path: Path) -> None:
    assert "unknown type 'orchestration.kinds.Sauce'" in faults_of(
        tmp_path, source_attributes(), kind="orchestration.kinds.Sauce"
    )


def test_text_that_is_no_yaml_is_pointed_at(tmp_path: Path) -> None:
    path = declared(tmp_path, source_attributes())
    path.write_text("type: orchestration.kinds.Source\nattributes: {title: [}\n")
    _, _, faults = read_declaration(path)
    assert f"{path}:2:" in faults[0] and "^" in faults[0]


def test_a_declaration_in_another_encoding_is_a_fault_not_a_crash(tmp_path: Path) -> None:
    path = declared(tmp_path, source_attributes())
    path.write_bytes("title: 金库".encode("gb18030"))
    _, _, faults = read_declaration(path)
    assert faults == [f"{path}: not UTF-8 text from byte 7 on"]


def test_the_declarations_of_the_project_are_right() -> None:
    known = declarations()
    assert known.faults == ()
    assert len(known.sources) == 8 and len(known.components) >= 8 and len(known.products) >= 3
    assert {component.application_field for component in known.components.values()} == {
        "governance",
        "development",
        "livelihood",
        "innovation",
    }
    assert {component.subject for component in known.components.values()} >= {"aggregate", "person", "enterprise"}


def test_nothing_runs_while_a_declaration_is_wrong(tmp_path: Path) -> None:
    project = project_copy(tmp_path / "project")
    path = project / "assets" / "sources" / "taxi_zones" / "defs.yaml"
    lines = path.read_text().replace("grade: general", "grade: generall").splitlines()
    path.write_text("\n".join(lines))
    line = next(number for number, line in enumerate(lines, 1) if "generall" in line)
    run = jinku(tmp_path / "home", "run", project=project)
    assert run.returncode == 1
    assert f"{path}:{line}:10: 'generall' is not one of" in run.stderr and "did you mean 'general'?" in run.stderr
    assert not (tmp_path / "home").exists()


def suite_faults(tmp_path: Path, *expectations: dict[str, Any], table: str = "base/taxi_zones") -> str:
    path = tmp_path / table / "defs.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    attributes = {"description": "Zones.", "owner": "team:mobility", "expectations": list(expectations)}
    document = {"type": "orchestration.kinds.Table", "attributes": attributes}
    path.write_text(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))
    _, _, faults = read_declaration(path)
    return "\n".join(faults)


def expectation(type_name: str, **arguments: Any) -> dict[str, Any]:
    return {"type": type_name, "arguments": arguments, "reason": "a test"}


COLUMN_VALUES = "expect_column_values_to"
QUERY = {"unexpected_rows_query": "select * from {batch} where a like ':b'"}
WRONG_EXPECTATIONS: list[tuple[dict[str, Any], str, str]] = [
    (expectation(f"{COLUMN_VALUES}_be_uniq", column="zone_id"), f"did you mean '{COLUMN_VALUES}_be_unique'", "type"),
    (expectation(f"{COLUMN_VALUES}_be_unique", colum="zone_id"), "did you mean 'column'?", "colum"),
    (expectation(f"{COLUMN_VALUES}_be_unique", column="zone"), "no column 'zone'", "column: zone"),
    (expectation(f"{COLUMN_VALUES}_match_regex", column="zone_name", regex="("), "does not compile", "regex"),
    (expectation(f"{COLUMN_VALUES}_be_increasing", column="zone_id"), "rows of a table have no order", "type"),
    ({**expectation("unexpected_rows_expectation", **QUERY), "dimension": "accuracy"}, "':b' for a parameter", "query"),
]


@pytest.mark.parametrize(
    ("wrong", "message", "pointed"), WRONG_EXPECTATIONS, ids=[each[1] for each in WRONG_EXPECTATIONS]
)
def test_a_wrong_expectation_is_pointed_at(tmp_path: Path, wrong: dict[str, Any], message: str, pointed: str) -> None:
    right = expectation("expect_column_values_to_not_be_null", column="zone_id")
    said = suite_faults(tmp_path, right, wrong)
    assert message in said
    line = int(said.split("defs.yaml:")[1].split(":")[0])
    text = (tmp_path / "base" / "taxi_zones" / "defs.yaml").read_text().splitlines()
    assert pointed in "\n".join(text[line - 1 : line + 1]), said
    assert suite_faults(tmp_path, right) == ""


def test_a_suite_for_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    right = expectation("expect_table_row_count_to_be_between", min_value=1)
    assert "there is no model dbt_project/models/base/nothing.sql" in suite_faults(
        tmp_path, right, table="base/nothing"
    )
    assert "a suite stands under assets/base or assets/resource" in suite_faults(
        tmp_path, right, table="raw/taxi_zones"
    )
