"""A policy says what blocks; none, an empty one or a damaged one lets nothing through."""

from pathlib import Path

import pytest
import yaml

from review.policy import POLICY, policy_from
from vault.errors import JinkuError


def written(root: Path, **changes: object) -> Path:
    document = {**yaml.safe_load(POLICY.read_text("utf-8")), **changes}
    path = root / "policy.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in document.items() if value is not None}), "utf-8")
    return path


def test_the_policy_in_force_blocks_by_all_three_parts_and_gives_its_reasons() -> None:
    policy = policy_from()
    assert {check[0] for check in policy.blocking} == {"O", "M", "R"}
    assert all(policy.reasons[check] for check in policy.blocking)


@pytest.mark.parametrize("text", ["", "{}", "- O1", "blocking: [", "blocking:\n  origin: {}\n"])
def test_an_emptied_policy_refuses(tmp_path: Path, text: str) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(text)
    with pytest.raises(JinkuError, match="policy_unusable"):
        policy_from(path)


def test_a_policy_that_is_gone_refuses(tmp_path: Path) -> None:
    with pytest.raises(JinkuError, match=r"policy_unusable: .* cannot be read"):
        policy_from(tmp_path / "policy.yaml")


@pytest.mark.parametrize("part", ["origin", "model", "result"])
def test_a_policy_without_a_part_refuses(tmp_path: Path, part: str) -> None:
    blocking = yaml.safe_load(POLICY.read_text("utf-8"))["blocking"]
    with pytest.raises(JinkuError, match=f"policy_unusable: .*{part}"):
        policy_from(written(tmp_path, blocking={**blocking, part: {}}))


def test_a_check_without_a_reason_refuses(tmp_path: Path) -> None:
    blocking = yaml.safe_load(POLICY.read_text("utf-8"))["blocking"]
    first = next(iter(blocking["origin"]))
    with pytest.raises(JinkuError, match="policy_unusable"):
        policy_from(written(tmp_path, blocking={**blocking, "origin": {first: " "}}))


def test_another_text_is_another_policy(tmp_path: Path) -> None:
    path = written(tmp_path)
    before = policy_from(path).content_hash
    path.write_text(path.read_text("utf-8") + "# looked at again\n", "utf-8")
    assert policy_from(path).content_hash != before
