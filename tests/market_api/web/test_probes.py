"""Probes: the process lives, can serve, and tells its figures to those who may see them."""

import shutil
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from market_api.app import application
from market_api.market import Market
from tests.market_api.builders import a_market, a_participant, served

PEM = b"""-----BEGIN PUBLIC KEY-----
MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=
-----END PUBLIC KEY-----
"""


@pytest.fixture
def market(tmp_path: Path) -> Market:
    made = a_market(tmp_path)
    made.settings.releases.mkdir()
    made.settings.trust.mkdir()
    (made.settings.trust / "key.pem").write_bytes(PEM)
    return made


def near(market: Market) -> TestClient:
    """A client on the market's own machine."""
    return TestClient(application(market), client=("127.0.0.1", 50_000))


def figures(client: TestClient) -> dict[tuple[str, ...], float]:
    """The figures by name and labels."""
    answer = client.get("/metrics")
    assert answer.status_code == 200 and answer.headers["Content-Type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_process_lives_whatever_else_is_gone(market: Market) -> None:
    shutil.rmtree(market.settings.releases)
    market.engine.dispose()
    assert served(market).get("/health").json() == {"is_alive": True}


def test_a_market_that_has_all_it_needs_is_ready(market: Market) -> None:
    answer = served(market).get("/ready")
    assert answer.status_code == 200
    assert answer.json() == {
        "is_ready": True,
        "checks": {"database": True, "releases": True, "keys": True, "trust": True},
    }


@pytest.mark.parametrize("missing", ["releases", "keys", "trust"])
def test_a_market_that_lacks_something_says_what(market: Market, missing: str) -> None:
    folders = {
        "releases": market.settings.releases,
        "keys": market.settings.folder / "keys",
        "trust": market.settings.trust,
    }
    shutil.rmtree(folders[missing])
    answer = served(market).get("/ready")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable") and answer.headers["Retry-After"]
    assert [name for name, is_there in answer.json()["checks"].items() if not is_there] == [missing]
    assert str(market.settings.folder) not in answer.text


def test_a_key_that_is_none_is_not_trusted(market: Market) -> None:
    (market.settings.trust / "key.pem").write_text("no key")
    assert served(market).get("/ready").json()["checks"]["trust"] is False


def test_a_market_without_its_database_says_so(market: Market) -> None:
    market.engine.dispose()
    shutil.rmtree(market.settings.folder)
    client = near(market)
    assert client.get("/ready").json()["checks"]["database"] is False
    assert figures(client)[("jinku_market_database_up",)] == 0


def test_requests_are_counted_by_template_and_status(market: Market) -> None:
    client, participant = near(market), a_participant(market, "operator")
    for name in ("par_" + "0" * 28, "par_" + "1" * 28):
        client.get(f"/v1/participants/{name}", headers=participant.headers)
    client.request("BREW", "/nowhere")
    counted = figures(client)
    assert counted[("jinku_market_requests_total", "GET", "/v1/participants/{participant_id}", "404")] == 2
    assert counted[("jinku_market_requests_total", "other", "none", "404")] == 1
    assert counted[("jinku_market_request_seconds_count", "/v1/participants/{participant_id}")] == 2


def test_what_the_market_holds_is_counted(market: Market) -> None:
    for _ in range(3):
        a_participant(market)
    counted = figures(near(market))
    assert counted[("jinku_market_things", "participants", "admitted")] == 3
    assert counted[("jinku_market_log_entries",)] > 6 and counted[("jinku_market_database_up",)] == 1


def test_figures_are_not_for_others(market: Market) -> None:
    far = TestClient(application(market), client=("192.0.2.1", 50_000))
    assert far.get("/metrics").status_code == 404
    for header in ("X-Forwarded-For", "Forwarded"):
        assert near(market).get("/metrics", headers={header: "192.0.2.1"}).status_code == 404


def test_figures_are_for_all_where_the_setting_says_so(tmp_path: Path) -> None:
    far = TestClient(application(a_market(tmp_path, metrics_open=True)), client=("192.0.2.1", 50_000))
    assert far.get("/metrics").status_code == 200


def test_no_name_and_no_id_is_in_the_figures(market: Market) -> None:
    participant, client = a_participant(market), near(market)
    client.get("/v1/account", headers=participant.headers)
    told = client.get("/metrics").text
    assert participant.participant_id not in told and participant.registered_name not in told
