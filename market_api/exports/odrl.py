"""The offer of a listing as an ODRL 2.2 policy: what a licensee may do, must not do, and has to pay.

Two permissions, to obtain the data (`read`, which pulls are counts of) and to work with it (`derive`), each within the
purposes, the users and the term of the licence and the rights below it; four prohibitions; one duty, to compensate.
Source: W3C ODRL Vocabulary & Expression 2.2.
"""

from collections.abc import Iterator

from market_api.exports.listing import ListingFacts, require_permitted, rights_until
from market_api.exports.vocabulary import PROFILE, Node, authority, part, purpose, reference, typed
from pricing.money import fen_to_yuan
from vault.releases.datasheet import Document

PROHIBITED = ("odrl:distribute", "odrl:sell", "odrl:grantUse", "jinku:reidentify")
"""To a licensee: to hand it on, to sell it, to license it further, to look for persons in it."""


def offer_iri(catalogue_url: str, listing: ListingFacts) -> str:
    """The address of a listing's offer."""
    return part(catalogue_url, "offer", listing.listing_id)


def seller_iri(catalogue_url: str, listing: ListingFacts) -> str:
    """The address of a listing's seller."""
    return part(catalogue_url, "seller", listing.seller_id)


def offer(catalogue_url: str, dataset_iri: str, datasheet: Document, listing: ListingFacts) -> Node:
    """The offer of a licence, as JSON-LD below the context of `vocabulary`.

    Raises ValueError as `require_permitted` and `rights_until` do.
    """
    require_permitted(datasheet, listing.terms)
    iri = offer_iri(catalogue_url, listing)
    rule = {"odrl:target": reference(dataset_iri), "odrl:assigner": reference(seller_iri(catalogue_url, listing))}
    within = list(_limits(datasheet, listing))
    duty = {} if listing.price_fen == 0 else {"odrl:duty": _payment(iri, listing)}
    told: Node = {
        "@id": iri,
        "@type": ["odrl:Policy", "odrl:Offer"],
        "odrl:uid": reference(iri),
        "odrl:profile": reference(PROFILE),
        "odrl:permission": [
            {
                "@type": "odrl:Permission",
                **rule,
                "odrl:action": reference("odrl:read"),
                "odrl:constraint": [*within, *_pulls(listing)],
                **duty,
            },
            {
                "@type": "odrl:Permission",
                **rule,
                "odrl:action": reference("odrl:derive"),
                "odrl:constraint": within,
                **duty,
            },
        ],
        "odrl:prohibition": [
            {"@type": "odrl:Prohibition", **rule, "odrl:action": reference(action)} for action in PROHIBITED
        ],
    }
    if listing.terms.exclusive_days is not None:
        told["odrl:prohibition"].append(_exclusivity(catalogue_url, dataset_iri, listing, listing.terms.exclusive_days))
    return told


def _limits(datasheet: Document, listing: ListingFacts) -> Iterator[Node]:
    terms = listing.terms
    yield _constraint("odrl:purpose", "odrl:isAnyOf", [purpose(name) for name in terms.purposes])
    yield _constraint("jinku:users", "odrl:lteq", typed(str(terms.users), "xsd:integer"))
    yield _constraint("odrl:elapsedTime", "odrl:lteq", typed(f"P{terms.term_days}D", "xsd:duration"))
    yield _constraint("odrl:dateTime", "odrl:lteq", typed(rights_until(datasheet).isoformat(), "xsd:date"))


def _pulls(listing: ListingFacts) -> Iterator[Node]:
    if listing.terms.pulls is not None:
        yield _constraint("odrl:count", "odrl:lteq", typed(str(listing.terms.pulls), "xsd:integer"))


def _payment(iri: str, listing: ListingFacts) -> Node:
    """One duty that both permissions name: it is paid once. A price that is agreed first has no amount yet."""
    compensate: Node = {"rdf:value": reference("odrl:compensate"), "@id": f"{iri}/compensation"}
    duty: Node = {"@id": f"{iri}/payment", "@type": "odrl:Duty", "odrl:action": compensate}
    if listing.price_fen is None:
        return duty
    price = _constraint("odrl:payAmount", "odrl:eq", typed(str(fen_to_yuan(listing.price_fen)), "xsd:decimal"))
    compensate["odrl:refinement"] = {
        "@id": f"{iri}/price",
        **price,
        "odrl:unit": authority("currency", listing.currency),
    }
    return duty


def _exclusivity(catalogue_url: str, dataset_iri: str, listing: ListingFacts, days: int) -> Node:
    """The seller licenses nobody else meanwhile: a prohibition to the seller."""
    return {
        "@type": "odrl:Prohibition",
        "odrl:target": reference(dataset_iri),
        "odrl:assignee": reference(seller_iri(catalogue_url, listing)),
        "odrl:action": reference("odrl:grantUse"),
        "odrl:constraint": _constraint("odrl:elapsedTime", "odrl:lteq", typed(f"P{days}D", "xsd:duration")),
    }


def _constraint(left: str, operator: str, right: Node | list[Node]) -> Node:
    return {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": reference(left),
        "odrl:operator": reference(operator),
        "odrl:rightOperand": right,
    }
