"""Signed releases for tests: the real one, and others made of it whose datasheet says something else.

Their rows are those of the real release, so that everything of them verifies but what a test changes.
"""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pricing.component_price import FieldCost, priced
from pricing.params import STANDARD, PriceParameters, plain
from pricing.value import ComponentMeasures
from tests.pricing.prices import FULL_QUALITY, facts
from tests.vault.releases.builds import BUILD_HASH, NAME
from vault.releases.datasheet import DATASHEET, hashes_of
from vault.releases.reading import read_datasheet, unsigned
from vault.signing import key_id, sign

Document = dict[str, Any]
Change = Callable[[Document], None]

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
STRANGER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
OWNER, PROVIDER, HOLDER = "team:mobility", "City data vault", "Taxi and Limousine Commission"
PARAMETERS = replace(STANDARD, price=PriceParameters(value_fen={"innovation": 50_000}))
COST_FEN = 80_000


def a_folder(released: Path, folder: Path) -> Path:
    """A folder of the test's own with the real release, which trusts the tests' key beside the vault's."""
    for name in ("releases", "public"):
        shutil.copytree(released / name, folder / name)
    pem = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "public" / f"{key_id(KEY.public_key())}.pem").write_bytes(pem)
    return folder


def a_release(
    folder: Path,
    component: str = NAME,
    number: int = 2,
    *changes: Change,
    key: Ed25519PrivateKey = KEY,
    is_hashed: bool = True,
) -> str:
    """Another release with the rows of the real one; gives its name. changes: of its datasheet, before it is signed;
    is_hashed: whether the hashes of its parts are made anew."""
    target = folder / "releases" / component / str(number)
    shutil.copytree(folder / "releases" / NAME / "1", target)
    document = a_datasheet(target, component, number)
    for change in changes:
        change(document)
    if is_hashed:
        stated = document["hashes"]
        document["hashes"] = hashes_of(document, stated["data"], stated["model"], stated["contracts"])
    write(target, {**unsigned(document), "signature": sign(key, unsigned(document))})
    return str(document["release"])


def a_datasheet(folder: Path, component: str = NAME, number: int = 1) -> Document:
    """The real datasheet under another name, at a price of P' 80,000 fen."""
    document = read_datasheet(folder)
    document |= {"component": component, "number": number, "release": f"{component}@{number}"}
    for right in document["rights"]:
        right["purposes"] = ["transport_planning", "urban_management"]
        if right["confirmation"] == "processing":
            right["subject"] = component
    priced_at()(document)
    return document


def write(folder: Path, document: Document) -> None:
    """Put a datasheet in the place of what is there."""
    (folder / DATASHEET).unlink()
    (folder / DATASHEET).write_text(json.dumps(document))


def priced_at(cost_fen: int = COST_FEN, regime: str = "market", **changed: Any) -> Change:
    """Set the price to what the formulas give at a cost. changed: further facts of the price."""

    def change(document: Document) -> None:
        measures = ComponentMeasures(
            "aggregate",
            1e6,
            FULL_QUALITY,
            16.0,
            component_hash=BUILD_HASH,
            snapshot_hash=document["hashes"]["data"],
        )
        given: dict[str, Any] = {
            "measures": measures,
            "field_costs": (FieldCost("raw/trips.at", {"storage": cost_fen}),) if cost_fen else (),
            "model_cost_fen": Fraction(0),
            "regime": regime,
            **changed,
        }
        price = priced(facts(**given), PARAMETERS)
        document["price"] |= {"regime": regime, "steps": json.loads(json.dumps(plain(price)))}
        document["contract"]["pricing"] = {"regime": regime, "ecosystem": "innovation"}

    return change


def put(path: str, value: Any) -> Change:
    """Set a member of a datasheet, such as 'contract/owner'."""

    def change(document: Document) -> None:
        *way, last = path.split("/")
        place: Any = document
        for step in way:
            place = place[int(step) if isinstance(place, list) else step]
        place[int(last) if isinstance(place, list) else last] = value

    return change


def only_columns(*names: str) -> Change:
    """Leave only some columns in the contract, as a component of fewer columns has; its rows do not verify then."""

    def change(document: Document) -> None:
        contract = document["contract"]
        contract["columns"] = [each for each in contract["columns"] if each["name"] in names]

    return change
