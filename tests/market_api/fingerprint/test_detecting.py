"""Whose copy a file is: the one who gave it away, and nobody else."""

import math
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from market_api.fingerprint.detecting import FALSE_ACCUSATION, detect
from market_api.fingerprint.keys import fingerprint_key
from tests.builders import column
from tests.market_api.fingerprint.builders import (
    BUYERS,
    CULPRIT,
    READING,
    SECRET,
    TOLERANCE,
    Release,
    connected,
    contract,
    copy_for,
    leaked,
    names_of,
    readings,
    release,
    table_of,
    traced,
)
from vault.errors import JinkuError

ONLY_ROWS = {"tolerance": {}, "omitRows": True}
BOTH = {"tolerance": {"reading": TOLERANCE}, "omitRows": True}


def test_a_copy_is_that_of_its_buyer_beyond_all_doubt(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        verdict = traced(connection, copy_for(connection, of, tmp_path).path, of)
    assert verdict.outcome == "traced" and names_of(verdict) == {CULPRIT} and CULPRIT in verdict.reason
    (accused,) = verdict.accused
    assert accused.bits is not None and accused.bits.matches == accused.bits.marks > 4_700
    assert accused.log10_p == pytest.approx(-accused.bits.marks * math.log10(2)) and accused.p.endswith("e-1494")
    assert verdict.evidence[0] == accused and len(verdict.evidence) == len(BUYERS)
    assert verdict.log10_p_max == pytest.approx(math.log10(FALSE_ACCUSATION / len(BUYERS)))


def test_the_release_itself_is_nobodys_copy(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        verdict = traced(connection, leaked(tmp_path, table_of(*of.files)), of)
    assert (verdict.outcome, verdict.accused) == ("nobody", ())
    assert verdict.reason.startswith("no buyer's marks stand out against chance")


@pytest.mark.parametrize("fingerprint", [{"tolerance": {"reading": TOLERANCE}}, ONLY_ROWS])
@pytest.mark.parametrize("is_copy", [True, False])
def test_the_p_of_innocent_buyers_is_uniform(tmp_path: Path, fingerprint: object, is_copy: bool) -> None:
    innocent = [f"innocent-{number}" for number in range(300)]
    of = readings(tmp_path / "release", rows=10_000, fingerprint=fingerprint)
    with connected(tmp_path) as connection:
        copy = table_of(*([copy_for(connection, of, tmp_path).path] if is_copy else of.files))
        verdict = traced(connection, leaked(tmp_path, copy.slice(0, 5_000)), of, innocent)
    found = np.sort([10**each.log10_p for each in verdict.evidence])
    lead = np.arange(1, len(found) + 1) / len(found) - found  # of the found shares over p: chance alone is below
    assert verdict.outcome == "nobody" and lead.max() < 1.95 / math.sqrt(len(found))
    assert found.max() > 0.9 and 0.4 < np.mean(found > 0.5) < 0.75


def test_no_innocent_is_accused_of_many_leaks(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=5_000, fingerprint=BOTH)
    with connected(tmp_path) as connection:
        for culprit in BUYERS[:8]:
            verdict = traced(connection, copy_for(connection, of, tmp_path, culprit).path, of)
            assert names_of(verdict) == {culprit}


def test_a_copy_for_somebody_who_is_not_asked_about_accuses_nobody(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path, "somebody else")
        assert traced(connection, copy.path, of).outcome == "nobody"
        assert traced(connection, copy.path, of, ()).reason == "nobody has received a copy"


def test_two_buyers_that_put_their_copies_together_are_both_found(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=10_000)
    with connected(tmp_path) as connection:
        copies = [table_of(copy_for(connection, of, tmp_path, buyer).path) for buyer in BUYERS[:2]]
        verdict = traced(connection, leaked(tmp_path, pa.concat_tables(copies)), of)
    assert names_of(verdict) == set(BUYERS[:2])


def test_a_row_counts_once_however_often_it_stands_there(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        once = traced(connection, leaked(tmp_path, copy), of)
        often = traced(connection, leaked(tmp_path, pa.concat_tables([copy] * 50)), of)
        innocent = traced(connection, leaked(tmp_path, pa.concat_tables([table_of(*of.files)] * 50)), of)
    assert often.evidence == once.evidence and innocent.outcome == "nobody"


def test_rows_that_were_never_released_do_not_count(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=5_000)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        invented = copy.set_column(0, "sensor", pa.array(np.arange(10**6, 10**6 + copy.num_rows)))
        verdict = traced(connection, leaked(tmp_path, pa.concat_tables([copy, *[invented] * 4])), of)
        alone = traced(connection, leaked(tmp_path, invented), of)
    (accused,) = verdict.accused
    assert accused.buyer == CULPRIT and accused.bits is not None and accused.bits.matches == accused.bits.marks
    assert (alone.outcome, alone.reason) == ("not_traceable", "no row of the file is one that could be marked")


def test_missing_rows_alone_tell_whose_copy_it_is(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", fingerprint=ONLY_ROWS)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        tenth = copy.take(np.random.default_rng(3).permutation(copy.num_rows)[:5_000])
        whole = traced(connection, leaked(tmp_path, copy), of)
        part = traced(connection, leaked(tmp_path, tenth), of)
        blind = traced(connection, leaked(tmp_path, copy), of, original=False)
    assert names_of(whole) == names_of(part) == {CULPRIT}
    assert part.accused[0].rows is not None and part.accused[0].rows.omitted_found == 0
    assert -13 < part.accused[0].log10_p < -9  # 1e-11 in models §8
    assert blind.outcome == "not_traceable"


def test_edited_values_do_not_touch_the_missing_rows(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", fingerprint=BOTH)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path).drop_columns(["reading"])
        verdict = traced(connection, leaked(tmp_path, copy), of)
    (accused,) = verdict.accused
    assert accused.buyer == CULPRIT and accused.bits is None and accused.rows is not None


def test_both_channels_pay_for_the_second_try(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", fingerprint=BOTH)
    with connected(tmp_path) as connection:
        (accused,) = traced(connection, copy_for(connection, of, tmp_path).path, of).accused
    assert accused.bits is not None
    assert accused.log10_p == pytest.approx(math.log10(2) - accused.bits.marks * math.log10(2))


def test_a_virtual_key_finds_the_rows_again(tmp_path: Path) -> None:
    random = np.random.default_rng(5)
    place = column("place", logicalType="number", role="attribute", decisionResolution=0.001)
    table = pa.table({"place": random.uniform(0, 900, 9_000), "reading": random.normal(200, 50, 9_000).round(1)})
    of = release(tmp_path / "r", contract(place, READING, fingerprint={"tolerance": {"reading": TOLERANCE}}), table)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        rounded = copy.set_column(0, "place", pa.array(copy["place"].to_numpy() + 1e-6))
        verdict = traced(connection, leaked(tmp_path, rounded), of)
    assert of.plan.is_virtual and names_of(verdict) == {CULPRIT}


def test_too_little_is_left_to_accuse_anybody(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        verdict = traced(connection, leaked(tmp_path, copy.slice(0, 100)), of)
    assert (verdict.outcome, verdict.accused) == ("not_traceable", ()) and "too little is left" in verdict.reason


def test_a_release_without_marks_is_not_traceable(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=999)
    with connected(tmp_path) as connection:
        verdict = traced(connection, tmp_path / "never looked at", of)
    assert verdict.outcome == "not_traceable" and "fewer than 1000" in verdict.reason


def other_case(copy: pa.Table) -> pa.Table:
    return copy.select(["note", "reading", "sensor"]).rename_columns(["NOTE", " Reading ", "Sensor"])


def as_csv(folder: Path, copy: pa.Table, separator: str = ",") -> Path:
    other_case(copy).to_pandas().to_csv(folder / "leak.csv", index=False, sep=separator)
    return folder / "leak.csv"


def as_lines(folder: Path, copy: pa.Table) -> Path:
    other_case(copy).to_pandas().to_json(folder / "leak.txt", orient="records", lines=True)
    return folder / "leak.txt"


def as_array(folder: Path, copy: pa.Table) -> Path:
    other_case(copy).to_pandas().to_json(folder / "leak.json", orient="records")
    return folder / "leak.json"


@pytest.mark.parametrize("written", [as_csv, lambda *given: as_csv(*given, separator=";"), as_lines, as_array])
def test_a_leak_is_read_in_whatever_form_it_was_put_up(tmp_path: Path, written: object) -> None:
    of = readings(tmp_path / "release", rows=5_000)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        (accused,) = traced(connection, written(tmp_path, copy), of).accused  # type: ignore[operator]
    assert accused.buyer == CULPRIT and accused.bits is not None and accused.bits.matches == accused.bits.marks > 400


def test_numbers_of_a_csv_lose_no_digit(tmp_path: Path) -> None:
    large = column("large", logicalType="integer", role="measure")
    table = pa.table({"sensor": np.arange(3_000), "large": np.arange(3_000) * 7 + 2**60})
    public = contract(column("sensor", logicalType="integer"), large, fingerprint={"tolerance": {"large": 8}})
    of = release(tmp_path / "release", public, table)
    with connected(tmp_path) as connection:
        copy = table_of(copy_for(connection, of, tmp_path).path)
        copy.to_pandas().to_csv(tmp_path / "leak.csv", index=False)
        (accused,) = traced(connection, tmp_path / "leak.csv", of).accused
    assert accused.bits is not None and accused.bits.matches == accused.bits.marks > 250


def damaged(folder: Path, content: bytes) -> Path:
    (folder / "leak").write_bytes(content)
    return folder / "leak"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "leak_unreadable"),
        (b"PAR1 and nothing else", "leak_unreadable"),
        (bytes(range(256)) * 20, "leak_unreadable"),
        (b'{"sensor": 1,\n{"reading" 2}', "leak_unreadable"),
        ("sensor,reading\n1,2\n".encode("utf-16"), "leak_unreadable"),
        ("传感器,读数\n1,2\n".encode("gb18030"), "leak_unreadable"),
        (b"[1, 2, 3]", "leak_unrelated"),
        (b"a,b\n1,2\n", "leak_unrelated"),
        (b"just words of somebody's letter", "leak_unrelated"),
    ],
)
def test_what_is_no_table_or_an_unrelated_one_is_told(tmp_path: Path, content: bytes, code: str) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection, pytest.raises(JinkuError) as caught:
        traced(connection, damaged(tmp_path, content), of)
    assert caught.value.code == code and "letter" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_told(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection:
        for path in (tmp_path / "missing.csv", tmp_path):
            with pytest.raises(JinkuError, match="leak_unreadable"):
                traced(connection, path, of)


def test_a_file_without_the_key_is_not_traceable_and_the_columns_are_named(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection:
        verdict = traced(connection, leaked(tmp_path, table_of(*of.files).drop_columns(["sensor"])), of)
    assert (verdict.outcome, verdict.reason) == (
        "not_traceable",
        "the file lacks sensor, by which a row is known again",
    )


def test_a_file_without_any_marked_column_is_not_traceable(tmp_path: Path) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection:
        verdict = traced(connection, leaked(tmp_path, table_of(*of.files).drop_columns(["reading"])), of)
    assert verdict.outcome == "not_traceable"


def test_another_secret_finds_nobody_and_another_components_key_is_refused(tmp_path: Path) -> None:
    of = readings(tmp_path / "release")
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
        other = fingerprint_key(SECRET[::-1], of.plan.component)
        assert detect(connection, copy.path, of.plan, other, BUYERS, of.files).outcome == "nobody"
        with pytest.raises(ValueError, match="the key is that of water"):
            detect(connection, copy.path, of.plan, fingerprint_key(SECRET, "water"), BUYERS)


@pytest.mark.parametrize("buyers", [("a", "a"), ("a", "")])
def test_buyers_that_are_named_twice_or_not_at_all_are_refused(tmp_path: Path, buyers: tuple[str, ...]) -> None:
    of = readings(tmp_path / "release", rows=2_000)
    with connected(tmp_path) as connection, pytest.raises(ValueError, match="named twice"):
        traced(connection, of.files[0], of, buyers)


def test_a_leak_is_read_by_less_memory_than_its_rows_take(tmp_path: Path) -> None:
    rows = 100_000  # of 600 bytes each
    random = np.random.default_rng(1)
    wide = {f"text_{place}": pa.array([f"{place} {number}" * 20 for number in range(rows)]) for place in range(4)}
    table = pa.table({"sensor": np.arange(rows), "reading": random.normal(0, 50, rows).round(1), **wide})
    texts = [column(name) for name in wide]
    sensor = column("sensor", logicalType="integer")
    public = contract(sensor, READING, *texts, fingerprint={"tolerance": {"reading": TOLERANCE}})
    of: Release = release(tmp_path / "r", public, table)
    with connected(tmp_path) as connection:
        copy = copy_for(connection, of, tmp_path)
    with connected(tmp_path, memory_bytes_max=50 << 20) as connection:
        verdict = traced(connection, copy.path, of, BUYERS[5:9])
        left = connection.execute("select count(*) from duckdb_tables()").fetchone()
    assert names_of(verdict) == {CULPRIT} and verdict.chosen_rows > 9_000 and left == (0,)
    assert pq.read_metadata(copy.path).num_rows == rows
