"""The catalogue is taken whole in the standards of other systems, page by page, and offers only what can be had."""

import json
from typing import Any

import pytest
import yaml

from market_api.catalogue.exporting import wants_yaml
from tests.market_api.catalogue.releases import a_release, priced_at, put
from tests.market_api.catalogue.shops import Shop
from tests.market_api.catalogue.test_changing import frozen
from vault.releases.datasheet import DATASHEET


def nodes(document: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [each for each in document["@graph"] if each.get("@type") == kind]


def other_rows(number: int) -> Any:
    return put("lineage/0/batches/0/sha256", f"{number:064x}")


def test_the_catalogue_is_dcat_with_an_offer_for_each_listing(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder))
    answer = shop.get("/v1/catalogue.jsonld")
    assert answer.headers["content-type"] == "application/ld+json"
    document = answer.json()
    (dataset,) = nodes(document, "dcat:Dataset")
    assert dataset["dcterms:identifier"] == "zone_hours@2"
    (offer,) = dataset["odrl:hasPolicy"]
    permitted = json.dumps(offer["odrl:permission"])
    assert "urban_management" in permitted
    assert f"{listing['price_fen'] / 100:.2f}" in permitted
    assert "Zhihui Mobility" in answer.text


def test_the_catalogue_is_read_by_an_independent_reader_of_rdf(shop: Shop) -> None:
    from rdflib import Graph
    from rdflib.namespace import DCAT, RDF

    shop.listed(a_release(shop.folder))
    graph = Graph().parse(data=shop.get("/v1/catalogue.jsonld").text, format="json-ld")
    assert len(list(graph.subjects(RDF.type, DCAT.Dataset))) == 1


def test_the_catalogue_comes_page_by_page(shop: Shop) -> None:
    for number in range(5):
        shop.clock.move(seconds=1)
        shop.listed(a_release(shop.folder, f"component_{number}", 1, other_rows(number)))
    found: list[str] = []
    place = "/v1/catalogue.jsonld?pageSize=2"
    for _ in range(3):
        answer = shop.get(place)
        found += [each["dcterms:identifier"] for each in nodes(answer.json(), "dcat:Dataset")]
        place = answer.headers.get("Link", "").partition(">")[0].removeprefix("<http://testserver")
    assert place == ""
    assert sorted(found) == [f"component_{number}@1" for number in range(5)]


def test_what_cannot_be_had_is_not_offered(shop: Shop) -> None:
    listing = shop.listed("zone_hours@1")
    frozen(shop, listing)
    assert nodes(shop.told("/v1/catalogue.jsonld"), "dcat:Dataset") == []


def test_what_is_not_what_was_listed_is_left_out(shop: Shop) -> None:
    shop.listed("zone_hours@1")
    shop.listed(a_release(shop.folder, "other", 1, other_rows(1)))
    (shop.folder / "releases" / "other" / "1" / DATASHEET).write_text("{}")
    (dataset,) = nodes(shop.told("/v1/catalogue.jsonld"), "dcat:Dataset")
    assert dataset["dcterms:identifier"] == "zone_hours@1"


def test_an_empty_catalogue_is_one_too(asked: Shop) -> None:
    document = asked.told("/v1/catalogue.jsonld")
    assert len(nodes(document, "dcat:Catalog")) == 1
    assert nodes(document, "dcat:Dataset") == []


@pytest.mark.parametrize(
    ("changes", "asked_for", "amounts"),
    [((), {"price": "on_request"}, 0), ((priced_at(regime="public_free"),), {}, 0), ((), {}, 1)],
)
def test_a_price_is_offered_only_where_one_is_posted(
    shop: Shop, changes: tuple[Any, ...], asked_for: dict[str, Any], amounts: int
) -> None:
    shop.listed(a_release(shop.folder, "zone_hours", 2, *changes), **asked_for)
    (dataset,) = nodes(shop.told("/v1/catalogue.jsonld"), "dcat:Dataset")
    (offer,) = dataset["odrl:hasPolicy"]
    assert json.dumps(offer).count("odrl:payAmount") == 2 * amounts
    assert ("odrl:compensate" in json.dumps(offer)) is not bool(changes)
    price = shop.told("/v1/components/zone_hours/contract")["price"]
    assert price.get("priceAmount") == (None if asked_for else 0 if changes else pytest.approx(1322.95))


def test_a_contract_is_odcs_in_json_or_yaml_as_asked(shop: Shop) -> None:
    listing = shop.listed(a_release(shop.folder))
    as_json = shop.get("/v1/components/zone_hours/contract", Accept="application/json")
    as_yaml = shop.get("/v1/components/zone_hours/contract", Accept="application/yaml")
    assert as_json.headers["content-type"] == "application/json"
    assert as_yaml.headers["content-type"] == "application/yaml"
    assert yaml.safe_load(as_yaml.text) == as_json.json()
    contract = as_json.json()
    assert (contract["apiVersion"], contract["kind"], contract["version"]) == ("v3.1.0", "DataContract", "2")
    assert contract["price"]["priceAmount"] == listing["price_fen"] / 100
    assert as_json.headers["ETag"] != as_yaml.headers["ETag"]


def test_the_standards_own_schema_takes_the_contract(shop: Shop) -> None:
    from open_data_contract_standard.model import OpenDataContractStandard

    shop.listed(a_release(shop.folder))
    text = shop.get("/v1/components/zone_hours/contract", Accept="application/yaml").text
    read = OpenDataContractStandard.from_string(text)
    assert read.id == "urn:jinku:component:zone_hours"
    assert "http://testserver/v1/components/zone_hours/data" in text


@pytest.mark.parametrize(
    ("accept", "is_yaml"),
    [
        ("", False),
        ("*/*", False),
        ("application/json", False),
        ("application/yaml", True),
        ("text/yaml", True),
        ("application/x-yaml", True),
        ("application/json, application/yaml", False),
        ("application/json;q=0.5, application/yaml", True),
        ("application/yaml;q=0", False),
        ("application/yaml;q=x", False),
        ("text/html, application/yaml;q=0.9, */*;q=0.1", True),
        (";;q=,,", False),
    ],
)
def test_what_a_client_accepts(accept: str, is_yaml: bool) -> None:
    assert wants_yaml(accept) is is_yaml
