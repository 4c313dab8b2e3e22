"""The words of linked data that the exports use: prefixes, code lists, and the market's own few terms.

The context stands in each document, so reading one needs no network. Sources: W3C DCAT 3 (2024-08-22), W3C ODRL 2.2
(2018-02-15), SPDX 2.3, the EU's authority tables of currencies, frequencies and access rights.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

Node = dict[str, Any]

CONTEXT: Mapping[str, str] = MappingProxyType(
    {
        "adms": "http://www.w3.org/ns/adms#",
        "dcat": "http://www.w3.org/ns/dcat#",
        "dcterms": "http://purl.org/dc/terms/",
        "foaf": "http://xmlns.com/foaf/0.1/",
        "jinku": "urn:jinku:market:1:",
        "odrl": "http://www.w3.org/ns/odrl/2/",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "spdx": "http://spdx.org/rdf/terms#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
    }
)

AUTHORITY = "http://publications.europa.eu/resource/authority"
PARQUET = "https://www.iana.org/assignments/media-types/application/vnd.apache.parquet"
"""Registered with IANA on 2024-02-14."""
DCAT_3 = "https://www.w3.org/TR/vocab-dcat-3/"
PROFILE = "urn:jinku:market:1"

FREQUENCIES: Mapping[str, str] = MappingProxyType(
    {
        "realtime": "UPDATE_CONT",
        "daily": "DAILY",
        "weekly": "WEEKLY",
        "monthly": "MONTHLY",
        "quarterly": "QUARTERLY",
        "yearly": "ANNUAL",
        "static": "NEVER",
    }
)

OWN_TERMS: tuple[Node, ...] = (
    {
        "@id": "jinku:users",
        "@type": ["odrl:LeftOperand", "skos:Concept"],
        "skos:definition": {"@value": "How many people of the licensee may use the asset.", "@language": "en"},
    },
    {
        "@id": "jinku:reidentify",
        "@type": ["odrl:Action", "skos:Concept"],
        "odrl:includedIn": {"@id": "odrl:use"},
        "skos:definition": {
            "@value": "To find out who stands behind a row, or to join the asset with other data to that end.",
            "@language": "en",
        },
    },
)
"""What ODRL lacks, defined where it is used, as a profile of ODRL has to."""


def reference(iri: str) -> Node:
    """A pointer to a node."""
    return {"@id": iri}


def text(words: str, language: str) -> Node:
    """Words of a language."""
    return {"@value": words, "@language": language}


def typed(value: str, datatype: str) -> Node:
    """A literal of a datatype, such as 'xsd:date'."""
    return {"@value": value, "@type": datatype}


def authority(table: str, code: str) -> Node:
    """An entry of an authority table, such as 'currency' and 'CNY'."""
    return reference(f"{AUTHORITY}/{table}/{quote(code, safe='')}")


def part(document: str, *steps: str) -> str:
    """The address of something that a document describes: a fragment of the document's own address.

    Steps are escaped: whatever a name holds, it stays one step.
    """
    return f"{document}#{'/'.join(quote(step, safe='') for step in steps)}"


def purpose(name: str) -> Node:
    """A purpose of use by its name in contracts."""
    return reference(f"{PROFILE}:purpose:{quote(name, safe='')}")
