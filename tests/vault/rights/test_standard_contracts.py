"""A standard contract is data: whoever changes a word of it makes another contract."""

from pathlib import Path

import pytest

from vault.errors import JinkuError
from vault.rights.standard_contracts import CONFIRMATIONS, FOLDER, Confirmation, standard_contract


def test_there_is_one_for_each_confirmation_and_no_two_are_alike() -> None:
    contracts = [standard_contract(each) for each in CONFIRMATIONS]
    assert [each.name for each in contracts] == ["holding@1", "processing@1", "operating@1"]
    assert len({each.terms_hash for each in contracts}) == 3
    assert all(each.terms and set(each.title) == {"en", "zh"} for each in contracts)


def changed(tmp_path: Path, old: str, new: str, confirmation: Confirmation = "holding") -> Path:
    text = (FOLDER / f"{confirmation}.yaml").read_text("utf-8")
    assert old in text
    (tmp_path / f"{confirmation}.yaml").write_text(text.replace(old, new), "utf-8")
    return tmp_path


def test_another_word_is_another_hash(tmp_path: Path) -> None:
    folder = changed(tmp_path, "kept encrypted", "kept")
    assert standard_contract("holding", folder).terms_hash != standard_contract("holding").terms_hash


def test_another_comment_is_the_same_contract(tmp_path: Path) -> None:
    folder = changed(tmp_path, "# 数据资源持有权", "# a note: 数据资源持有权")
    assert standard_contract("holding", folder).terms_hash == standard_contract("holding").terms_hash


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("confirmation: holding", "confirmation: operating", "it confirms 'operating'"),
        ("parties:", "partys:", "its keys must be"),
        ("    text: Received", "    txt: Received", "it needs terms"),
        ('version: "1"', "version: 1", "its version must be a text"),
        ("terms:", "terms: [", "line "),
    ],
)
def test_what_is_incomplete_grants_nothing(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = changed(tmp_path, old, new)
    with pytest.raises(JinkuError, match=f"standard_contract: .*no right can be granted.*{told}"):
        standard_contract("holding", folder)


def test_a_contract_that_is_gone_grants_nothing(tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match="standard_contract: "):
        standard_contract("processing", tmp_path)
