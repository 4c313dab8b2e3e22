"""The catalogue as DCAT 3 in JSON-LD: a dataset for each listed release, its distributions, its versions, its offers.

A release that several listings offer is one dataset with several policies. Its context is in the document, and every
address in it leads into the document, so it is read without a network. Source: W3C DCAT 3.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from market_api.exports.listing import ListingFacts
from market_api.exports.odrl import offer, offer_iri, seller_iri
from market_api.exports.vocabulary import (
    CONTEXT,
    DCAT_3,
    FREQUENCIES,
    OWN_TERMS,
    PARQUET,
    Node,
    authority,
    part,
    reference,
    text,
    typed,
)
from vault.releases.datasheet import TABLE, Document, datasheet_hash, time_text

MARKED = (
    "The checksum is that of the reviewed and signed file. A delivered copy bears its buyer's mark, and its own "
    "checksum is told with the delivery."
)
OFFERED_STATES = ("listed",)
"""In which a licence can still be had: an offer in any other state would promise what nobody keeps."""


@dataclass(frozen=True)
class CatalogueFacts:
    """The catalogue itself. url: of this very document."""

    url: str
    title: str
    description: str
    publisher_name: str
    issued: datetime
    modified: datetime


Entry = tuple[Document, ListingFacts]
Release = tuple[str, int]
"""A component, and the number of its release."""


def dcat_catalogue(catalogue: CatalogueFacts, entries: Sequence[Entry]) -> Node:
    """The catalogue of listings with the datasheets they offer, verified by the caller, as plain JSON values.

    Raises ValueError where one release comes with two datasheets, a listing comes twice, and as `offer` does.
    """
    releases = _by_release(entries)
    before = _versions_before(list(releases))
    publisher = part(catalogue.url, "publisher")
    sellers = {seller_iri(catalogue.url, listing): listing.seller_name for _, listing in entries}
    datasets = [_dataset(catalogue.url, offered, before.get(name)) for name, offered in releases.items()]
    return {
        "@context": dict(CONTEXT),
        "@graph": [
            {
                "@id": catalogue.url,
                "@type": "dcat:Catalog",
                "dcterms:title": text(catalogue.title, "en"),
                "dcterms:description": text(catalogue.description, "en"),
                "dcterms:publisher": reference(publisher),
                "dcterms:issued": _time(catalogue.issued),
                "dcterms:modified": _time(catalogue.modified),
                "dcterms:language": authority("language", "ENG"),
                "dcterms:conformsTo": reference(DCAT_3),
                "dcat:dataset": [reference(dataset["@id"]) for dataset in datasets],
            },
            _agent(publisher, catalogue.publisher_name),
            *(_agent(iri, name) for iri, name in sorted(sellers.items())),
            *datasets,
            *(dict(term) for term in OWN_TERMS),
        ],
    }


def dataset_iri(catalogue_url: str, component: str, number: int) -> str:
    """The address of a release in the catalogue."""
    return part(catalogue_url, "release", component, str(number))


def _by_release(entries: Sequence[Entry]) -> dict[Release, list[Entry]]:
    """The entries by component and number, in this order."""
    releases: dict[Release, list[Entry]] = {}
    for datasheet, listing in entries:
        releases.setdefault((datasheet["component"], datasheet["number"]), []).append((datasheet, listing))
    for offered in releases.values():
        if len(offered) > 1 and len({datasheet_hash(datasheet) for datasheet, _ in offered}) > 1:
            raise ValueError(f"{offered[0][0]['release']} comes with two datasheets")
    names = [listing.listing_id for _, listing in entries]
    if len(set(names)) < len(names):
        raise ValueError("a listing comes twice")
    return dict(sorted(releases.items()))


def _versions_before(releases: Sequence[Release]) -> Mapping[Release, Release]:
    """By release, the newest earlier one of its component that the catalogue holds. releases: in order."""
    return {later: earlier for earlier, later in pairwise(releases) if earlier[0] == later[0]}


def _dataset(catalogue_url: str, offered: Sequence[Entry], before: Release | None) -> Node:
    datasheet, first = offered[0]
    contract = datasheet["contract"]
    listings = [listing for _, listing in offered]
    iri = dataset_iri(catalogue_url, datasheet["component"], datasheet["number"])
    open_listings = [listing for listing in listings if listing.state in OFFERED_STATES]
    told: Node = {
        "@id": iri,
        "@type": "dcat:Dataset",
        "dcterms:identifier": datasheet["release"],
        "dcterms:title": [text(contract["title"]["en"], "en"), text(contract["title"]["zh"], "zh")],
        "dcterms:description": text(contract["description"], "en"),
        "dcterms:publisher": reference(seller_iri(catalogue_url, first)),
        "dcterms:creator": {"@type": "foaf:Agent", "foaf:name": contract["provider"]},
        "dcterms:issued": _time(min(listing.issued for listing in listings)),
        "dcterms:modified": _time(max(listing.modified for listing in listings)),
        "dcterms:accrualPeriodicity": authority("frequency", FREQUENCIES[contract["refreshPeriod"]]),
        "dcterms:accessRights": authority("access-right", "PUBLIC" if datasheet["tier"] == "public" else "RESTRICTED"),
        "dcat:version": str(datasheet["number"]),
        "dcat:keyword": [text(word, "en") for word in (contract["applicationField"], contract["subject"])],
        "dcat:distribution": [each for listing in listings for each in _distributions(iri, datasheet, listing)],
        "odrl:hasPolicy": [offer(catalogue_url, iri, datasheet, listing) for listing in open_listings],
    }
    if before is not None:
        told["dcat:previousVersion"] = reference(dataset_iri(catalogue_url, *before))
    contracts = {listing.contract_url for listing in listings} - {None}
    datasheets = {listing.datasheet_url for listing in listings} - {None}
    if contracts:
        told["dcterms:conformsTo"] = [reference(str(url)) for url in sorted(map(str, contracts))]
    if datasheets:
        told["foaf:page"] = [reference(str(url)) for url in sorted(map(str, datasheets))]
    return told


def _distributions(iri: str, datasheet: Document, listing: ListingFacts) -> Iterator[Node]:
    """One for each Parquet file of the release's table, reached through the listing."""
    files = [
        each
        for each in datasheet["files"]
        if each["path"].startswith(f"{TABLE}/") and each["path"].endswith(".parquet")
    ]
    for number, file in enumerate(files, start=1):
        own = f"{iri}/{part('', listing.listing_id)[1:]}/{number}"
        yield {
            "@id": own,
            "@type": "dcat:Distribution",
            "dcterms:title": text(f"Parquet file {number} of {len(files)}", "en"),
            "dcterms:description": text(MARKED, "en"),
            "dcat:accessURL": reference(listing.access_url),
            "dcat:mediaType": reference(PARQUET),
            "dcat:byteSize": typed(str(file["bytes"]), "xsd:nonNegativeInteger"),
            "dcterms:issued": typed(datasheet["published_at"], "xsd:dateTime"),
            "adms:status": reference(f"jinku:{listing.state}"),
            "spdx:checksum": {
                "@type": "spdx:Checksum",
                "spdx:algorithm": reference("spdx:checksumAlgorithm_sha256"),
                "spdx:checksumValue": typed(file["sha256"], "xsd:hexBinary"),
            },
            **({"odrl:hasPolicy": reference(offer_iri(iri.partition("#")[0], listing))}
               if listing.state in OFFERED_STATES else {}),
        }  # fmt: skip


def _agent(iri: str, name: str) -> Node:
    return {"@id": iri, "@type": "foaf:Agent", "foaf:name": name}


def _time(at: datetime) -> Node:
    return typed(time_text(at), "xsd:dateTime")
