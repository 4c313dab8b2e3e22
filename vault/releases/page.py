"""The datasheet as people read it: one static page for each release, set like that of an electronic component.

It is made of the datasheet alone, needs no network and no script, and every text in it is escaped.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from pricing.money import Amount, format_fen, round_half_up
from pricing.price_record import exact_word
from vault.releases.datasheet import DATASHEET, Document

TEMPLATES = Path(__file__).parent / "templates"
PARTS = {"origin": "Origin", "model": "Model", "result": "Result"}
BATCHES_SHOWN = 20
"""Of each source, the newest; the datasheet has all."""
DIGITS = (2, 3, 4, 5, 6)


def page_of(document: Document, radar: str = "") -> str:
    """The page of a datasheet. radar: SVG of our own charts, or ''; the page's policy runs nothing that is in it."""
    columns = _columns(document)
    return (
        _environment()
        .get_template("datasheet.html")
        .render(
            sheet=document,
            contract=document["contract"],
            columns=columns,
            pins=_pins(columns),
            key_figures=_key_figures(document),
            parts=_checks(document["review"]),
            price_lines=_price_lines(document["price"]["steps"]),
            sources=[_source(each) for each in document["lineage"]],
            hashes=_hashes(document),
            radar=Markup(radar),
            datasheet_file=DATASHEET,
        )
    )


def figure(value: float) -> str:
    """A number with two decimals, or as many (at most six) as keep it from looking like 0 or 1."""
    if value == int(value):
        return f"{value:,.0f}"
    texts = [f"{value:,.{digits}f}" for digits in DIGITS]
    told = (text for text in texts if float(text.replace(",", "")) not in (0, 1))
    return next(told, texts[-1])


def money(amount_fen: Amount | str) -> str:
    """An amount in yuan as its nearest fen; a word such as '3/20' is the exact number it names."""
    return format_fen(round_half_up(exact_word(amount_fen) if isinstance(amount_fen, str) else amount_fen))


def count(number: int | None) -> str:
    """A count with its thousands apart."""
    return "–" if number is None else f"{number:,}"


def breakable(name: str) -> Markup:
    """A name that may be broken into lines after its underscores."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))


def spoken(word: str) -> str:
    """A word of a contract, such as 'public_guided', as people write it."""
    return word.replace("_", " ")


def moment(text: str) -> str:
    """A time of a datasheet, in UTC, to the minute."""
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {each.__name__: each for each in (figure, money, count, breakable, spoken, moment)}
    return made


def _columns(document: Document) -> list[dict[str, Any]]:
    """Every column with what the contract promises, what was counted and how much it tells."""
    counted = {each["name"]: each for each in document["table"]["columns"]}
    bits = {each["name"]: each["bits"] for each in document["measures"]["columns"]}
    grain = document["contract"]["grain"]
    return [
        {
            **declared,
            **counted[declared["name"]],
            "pin": pin,
            "is_key": declared["name"] in grain,
            "unit": declared.get("unit", ""),
            "bits": bits.get(declared["name"]),
        }
        for pin, declared in enumerate(document["contract"]["columns"], 1)
    ]


def _pins(columns: Sequence[Mapping[str, Any]]) -> list[tuple[Mapping[str, Any], Mapping[str, Any] | None]]:
    """The columns as pins are numbered: down the left side and up the right one; the last left one may stand alone."""
    left = list(columns[: (len(columns) + 1) // 2])
    right: list[Mapping[str, Any] | None] = [*reversed(columns[len(left) :])]
    return list(zip(left, [*right, None][: len(left)], strict=True))


def _key_figures(document: Document) -> list[dict[str, str]]:
    steps, review = document["price"]["steps"], document["review"]
    value, guided = steps["valuation"], steps["guided"]
    return [
        {"symbol": "S", "value": str(review["security"]), "words": "security review passed"},
        _protection(document),
        {"symbol": "n", "value": count(document["table"]["rows"]), "words": "rows"},
        {"symbol": "m", "value": count(len(document["table"]["columns"])), "words": "columns"},
        {"symbol": "Q", "value": figure(document["quality"]["quality"]), "words": "quality coefficient"},
        {"symbol": "I", "value": figure(value["value_index"]), "words": "information value"},
        {"symbol": "P¹", "value": money(steps["negotiated"]["listed_fen"]), "words": "negotiated price"},
        {"symbol": "P²", "value": "–" if guided is None else money(guided["listed_fen"]), "words": "guide price"},
    ]


def _protection(document: Document) -> dict[str, str]:
    """What hides the single one behind a row: the number of others, or noise."""
    noise = document["contract"].get("differentialPrivacy")
    if noise is not None:
        return {"symbol": "ε", "value": noise["epsilon"], "words": f"most that it tells of one {noise['unit']}"}
    smallest = document["review"]["smallest_group"]
    return {"symbol": "k", "value": count(smallest), "words": "smallest group behind a row"}


def _checks(review: Document) -> list[tuple[str, list[Document]]]:
    """The checks by part; those that nothing hangs on are told apart."""
    blocking = set(review["blocking"])
    return [
        (
            words,
            [{**each, "blocks": each["check"] in blocking} for each in review["checks"] if each["part"] == part],
        )
        for part, words in PARTS.items()
    ]


def _price_lines(steps: Document) -> list[dict[str, str]]:
    """The three results, each with how it follows in one line. Source: white paper, I, P¹ and P²."""
    value, negotiated, guided = steps["valuation"], steps["negotiated"], steps["guided"]
    product = " · ".join(figure(value[name]) for name in ("volume", "quality", "density"))
    margin = float(exact_word(str(negotiated["margin"])))
    lines = [
        {
            "symbol": "I",
            "value": figure(value["value_index"]),
            "words": "information value: volume, quality and density of information",
            "how": f"V · Q · D = {product}",
        },
        {
            "symbol": "P¹",
            "value": money(negotiated["price_fen"]),
            "words": "negotiated price: cost and value together, and a margin",
            "how": f"(1 + γ) · g(I, C) = {figure(1 + margin)} · {money(negotiated['joint_fen'])}",
        },
    ]
    if guided is not None:
        beta = float(exact_word(str(guided["beta_market"])))
        lines.append(
            {
                "symbol": "P²",
                "value": money(guided["price_fen"]),
                "words": "guide price of an auction: the market's view of it",
                "how": f"β · P'' = {figure(beta)} · {money(guided['assessed_fen'])}",
            }
        )
    return lines


def _source(source: Document) -> dict[str, Any]:
    batches = source["batches"]
    return {
        "name": source["source"],
        "batches": len(batches),
        "rows": sum(each["rows"] for each in batches),
        "newest": batches[-1]["received_at"],
        "shown": batches[: -BATCHES_SHOWN - 1 : -1],
    }


def _hashes(document: Document) -> list[tuple[str, str]]:
    """Each hash with what it is of, the data first."""
    words = {
        "data": "the rows, in any order",
        "contract": "the contract's public part",
        "contracts": "all contracts that were reviewed",
        "model": "the models that made the rows",
        "review": "the review's policy and outcomes",
        "quality": "the quality vector",
        "price": "the steps of the price",
        "rights": "the rights chain",
        "lineage": "the batches",
        "content": "all of the above",
    }
    return [(words[name], document["hashes"][name]) for name in words]
