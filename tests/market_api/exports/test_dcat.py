"""The catalogue is linked data that any reader takes apart without a network, and an offer says what is offered."""

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rdflib import DCTERMS, FOAF, ODRL2, RDF, XSD, Graph, Literal, Namespace, Node, URIRef

from market_api.exports.dcat import dataset_iri, dcat_catalogue
from market_api.exports.odrl import PROHIBITED, offer_iri, seller_iri
from market_api.exports.vocabulary import FREQUENCIES
from tests.market_api.exports.listings import (
    CATALOGUE_URL,
    NOON,
    catalogue,
    datasheet,
    entries,
    listing,
    numbered,
    terms,
)
from vault.contract import REFRESH_PERIOD_DAYS

DCAT = Namespace("http://www.w3.org/ns/dcat#")
"""Of DCAT 3: the reader knows the terms of DCAT 2 only."""
SPDX = Namespace("http://spdx.org/rdf/terms#")
JINKU = Namespace("urn:jinku:market:1:")
CATALOGUE = URIRef(CATALOGUE_URL)
MANDATORY = {
    DCAT.Catalog: {DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCAT.dataset},
    DCAT.Dataset: {DCTERMS.title, DCTERMS.description, DCTERMS.publisher, DCTERMS.identifier, DCAT.distribution},
    DCAT.Distribution: {DCAT.accessURL},
    FOAF.Agent: {FOAF.name},
    SPDX.Checksum: {SPDX.algorithm, SPDX.checksumValue},
    ODRL2.Permission: {ODRL2.target, ODRL2.action, ODRL2.assigner},
    ODRL2.Prohibition: {ODRL2.target, ODRL2.action},
    ODRL2.Constraint: {ODRL2.leftOperand, ODRL2.operator, ODRL2.rightOperand},
    ODRL2.Offer: {ODRL2.uid, ODRL2.profile, ODRL2.permission},
    ODRL2.Duty: {ODRL2.action},
}
"""What DCAT 3 with its profile DCAT-AP 3, SPDX and ODRL 2.2 ask of each kind of node."""


def graph_of(document: dict[str, Any]) -> Graph:
    """The document as triples; a context that had to be fetched would fail here, since it is given as text."""
    assert isinstance(document["@context"], dict)
    return Graph().parse(data=json.dumps(document, allow_nan=False), format="json-ld")


def exported(*offered: Any) -> Graph:
    return graph_of(dcat_catalogue(catalogue(), offered or entries()))


def iri(component: str, number: int = 1) -> URIRef:
    return URIRef(dataset_iri(CATALOGUE_URL, component, number))


def permission(graph: Graph, offer: Node, action: Node) -> Node:
    (found,) = [each for each in graph.objects(offer, ODRL2.permission) if (each, ODRL2.action, action) in graph]
    return found


def limits(graph: Graph, rule: Node) -> dict[Node | None, tuple[Node | None, set[Node]]]:
    return {
        graph.value(each, ODRL2.leftOperand): (
            graph.value(each, ODRL2.operator),
            set(graph.objects(each, ODRL2.rightOperand)),
        )
        for each in graph.objects(rule, ODRL2.constraint)
    }


def test_every_node_has_what_its_vocabulary_makes_mandatory() -> None:
    graph = exported()
    for kind, properties in MANDATORY.items():
        nodes = set(graph.subjects(RDF.type, kind))
        assert nodes, kind
        for node in nodes:
            missing = {each for each in properties if graph.value(node, each, any=True) is None}
            assert missing == set(), (kind, node)


def test_every_address_within_the_document_leads_to_a_node_of_it() -> None:
    graph = exported()
    told = {each for each in graph.objects() if isinstance(each, URIRef) and each.startswith(CATALOGUE_URL)}
    assert told <= set(graph.subjects())


def test_a_dataset_is_a_release_with_its_files_and_checksums() -> None:
    document, graph = datasheet(), exported()
    node = iri("zone_hourly_mobility")
    assert (CATALOGUE, DCAT.dataset, node) in graph
    assert set(graph.objects(node, DCTERMS.title)) == {
        Literal("Hourly mobility by zone", lang="en"),
        Literal("分区小时出行", lang="zh"),
    }
    assert graph.value(node, DCTERMS.identifier) == Literal("zone_hourly_mobility@1")
    assert graph.value(node, DCTERMS.publisher) == URIRef(seller_iri(CATALOGUE_URL, listing()))
    (distribution,) = graph.objects(node, DCAT.distribution)
    (file,) = [each for each in document["files"] if each["path"].endswith(".parquet")]
    assert graph.value(distribution, DCAT.accessURL) == URIRef("https://market.example/v1/shares")
    assert graph.value(distribution, DCAT.byteSize) == Literal(file["bytes"], datatype=XSD.nonNegativeInteger)
    checksum = graph.value(distribution, SPDX.checksum)
    assert graph.value(checksum, SPDX.algorithm) == SPDX.checksumAlgorithm_sha256
    assert graph.value(checksum, SPDX.checksumValue) == Literal(file["sha256"], datatype=XSD.hexBinary)


def test_dates_are_those_of_the_listing_and_links_lead_to_contract_and_datasheet() -> None:
    linked = listing(contract_url="https://market.example/c.json", datasheet_url="https://market.example/d.json")
    graph = exported((datasheet(), linked))
    node = iri("zone_hourly_mobility")
    assert graph.value(node, DCTERMS.issued) == Literal(NOON)
    assert graph.value(node, DCTERMS.modified) == Literal(NOON + timedelta(hours=2))
    assert graph.value(node, DCTERMS.conformsTo) == URIRef("https://market.example/c.json")
    assert graph.value(node, FOAF.page) == URIRef("https://market.example/d.json")
    assert graph.value(CATALOGUE, DCTERMS.conformsTo) == URIRef("https://www.w3.org/TR/vocab-dcat-3/")


def test_versions_are_numbered_and_lead_to_the_one_before_that_is_in_the_catalogue() -> None:
    first, fourth = datasheet(), numbered(datasheet(), 4)
    graph = exported((fourth, listing(listing_id="b")), (first, listing(listing_id="a")))
    assert graph.value(iri("zone_hourly_mobility", 4), DCAT.version) == Literal("4")
    assert graph.value(iri("zone_hourly_mobility", 4), DCAT.previousVersion) == iri("zone_hourly_mobility", 1)
    assert graph.value(iri("zone_hourly_mobility", 1), DCAT.previousVersion) is None


def test_an_offer_permits_for_purpose_term_users_and_pulls_and_asks_for_the_price() -> None:
    offered = listing(terms=terms(purposes=("model_training", "urban_management"), pulls=10))
    graph = exported((datasheet(), offered))
    offer = URIRef(offer_iri(CATALOGUE_URL, offered))
    assert (iri("zone_hourly_mobility"), ODRL2.hasPolicy, offer) in graph
    reading = permission(graph, offer, ODRL2.read)
    assert graph.value(reading, ODRL2.target) == iri("zone_hourly_mobility")
    assert graph.value(reading, ODRL2.assigner) == URIRef(seller_iri(CATALOGUE_URL, offered))
    purposes = {
        URIRef("urn:jinku:market:1:purpose:model_training"),
        URIRef("urn:jinku:market:1:purpose:urban_management"),
    }
    assert limits(graph, reading) == {
        ODRL2.purpose: (ODRL2.isAnyOf, purposes),
        ODRL2.elapsedTime: (ODRL2.lteq, {Literal("P365D", datatype=XSD.duration)}),
        ODRL2.dateTime: (ODRL2.lteq, {Literal("2028-12-31", datatype=XSD.date)}),
        ODRL2.count: (ODRL2.lteq, {Literal(10)}),
        JINKU.users: (ODRL2.lteq, {Literal(5)}),
    }
    assert ODRL2.count not in limits(graph, permission(graph, offer, ODRL2.derive))
    (duty,) = graph.objects(reading, ODRL2.duty)
    assert set(graph.subjects(ODRL2.duty, duty)) == set(graph.objects(offer, ODRL2.permission)), "it is paid once"
    action = graph.value(duty, ODRL2.action)
    assert graph.value(action, RDF.value) == ODRL2.compensate
    price = graph.value(action, ODRL2.refinement)
    assert graph.value(price, ODRL2.leftOperand) == ODRL2.payAmount
    assert graph.value(price, ODRL2.rightOperand) == Literal("2504.39", datatype=XSD.decimal)
    assert str(graph.value(price, ODRL2.unit)).endswith("/currency/CNY")


def test_an_offer_forbids_to_pass_on_and_to_look_for_persons() -> None:
    graph, offer = exported((datasheet(), listing())), URIRef(offer_iri(CATALOGUE_URL, listing()))
    forbidden = {graph.value(each, ODRL2.action) for each in graph.objects(offer, ODRL2.prohibition)}
    assert forbidden == {ODRL2.distribute, ODRL2.sell, ODRL2.grantUse, JINKU.reidentify} and len(PROHIBITED) == 4
    assert (JINKU.reidentify, RDF.type, ODRL2.Action) in graph
    assert (JINKU.users, RDF.type, ODRL2.LeftOperand) in graph


def test_an_exclusive_window_is_forbidden_ground_to_the_seller() -> None:
    offered = listing(terms=terms(exclusive_days=30))
    graph = exported((datasheet(), offered))
    (rule,) = graph.subjects(ODRL2.assignee, URIRef(seller_iri(CATALOGUE_URL, offered)))
    assert graph.value(rule, ODRL2.action) == ODRL2.grantUse
    assert limits(graph, rule) == {ODRL2.elapsedTime: (ODRL2.lteq, {Literal("P30D", datatype=XSD.duration)})}


def test_what_is_free_asks_for_no_payment_and_what_is_not_counted_for_no_count() -> None:
    free = listing(price_fen=0, regime="public_free", terms=terms(pulls=None))
    graph = exported((datasheet(), free))
    assert set(graph.objects(None, ODRL2.duty)) == set()
    assert ODRL2.count not in set(graph.objects(None, ODRL2.leftOperand))


@pytest.mark.parametrize("state", ["frozen", "superseded", "retired"])
def test_what_cannot_be_had_is_described_but_not_offered(state: str) -> None:
    graph = exported((datasheet(), listing(state=state)))
    assert (CATALOGUE, DCAT.dataset, iri("zone_hourly_mobility")) in graph
    assert set(graph.subjects(RDF.type, ODRL2.Offer)) == set() == set(graph.objects(None, ODRL2.hasPolicy))


def test_a_release_in_two_listings_is_one_dataset_with_two_offers() -> None:
    one, other = listing(listing_id="a"), listing(listing_id="b", seller_id="par_08", price_fen=1)
    graph = exported((datasheet(), one), (datasheet(), other))
    assert set(graph.objects(CATALOGUE, DCAT.dataset)) == {iri("zone_hourly_mobility")}
    assert set(graph.objects(iri("zone_hourly_mobility"), ODRL2.hasPolicy)) == {
        URIRef(offer_iri(CATALOGUE_URL, one)),
        URIRef(offer_iri(CATALOGUE_URL, other)),
    }


def test_one_release_with_two_datasheets_and_a_listing_given_twice_are_refused() -> None:
    forged = datasheet(change=lambda document: document["table"].update(rows=1))
    with pytest.raises(ValueError, match="two datasheets"):
        exported((datasheet(), listing(listing_id="a")), (forged, listing(listing_id="b")))
    with pytest.raises(ValueError, match="comes twice"):
        exported((datasheet(), listing()), (datasheet("station_air_daily"), listing()))


def test_an_offer_beyond_the_contract_is_refused() -> None:
    with pytest.raises(ValueError, match="not advertising"):
        exported((datasheet(), listing(terms=terms(purposes=("advertising",)))))


def test_an_empty_catalogue_is_one() -> None:
    graph = graph_of(dcat_catalogue(catalogue(), []))
    assert (CATALOGUE, RDF.type, DCAT.Catalog) in graph and set(graph.subjects(RDF.type, DCAT.Dataset)) == set()


def test_every_refresh_period_has_a_frequency() -> None:
    assert set(FREQUENCIES) == set(REFRESH_PERIOD_DAYS)


@settings(max_examples=40, deadline=None)
@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_name_breaks_out_of_its_place(listing_id: str, seller_id: str, seller_name: str) -> None:
    offered = listing(listing_id=listing_id, seller_id=seller_id, seller_name=seller_name)
    graph = exported((datasheet(), offered))
    node = URIRef(seller_iri(CATALOGUE_URL, offered))
    assert graph.value(node, FOAF.name) == Literal(seller_name)
    assert (URIRef(offer_iri(CATALOGUE_URL, offered)), RDF.type, ODRL2.Offer) in graph
