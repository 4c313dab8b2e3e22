"""The words by which a listing is found.

A word is a run of letters or digits in small letters; of Chinese, which sets no spaces, each sign and each two
neighbours. What is filtered by is a word as well, with its kind in front, such as 'field:governance': no text that
somebody types has a colon.
"""

import re
import unicodedata
from collections.abc import Iterator

from vault.releases.datasheet import Document

RUN = re.compile(r"[㐀-鿿]+|[^\W_㐀-鿿]+")
CHINESE = re.compile(r"[㐀-鿿]+")
WORD_CHARACTERS_MAX = 40
WORDS_MAX = 400
"""Of a listing; a datasheet cannot fill the index."""
FILTER_CHARACTERS_MAX = 200


def words_of_text(text: str) -> Iterator[str]:
    """The words of a text as they are kept, in its order, with repetitions."""
    for run in RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if CHINESE.fullmatch(run):
            yield from run
            yield from (run[start : start + 2] for start in range(len(run) - 1))
        else:
            yield run[:WORD_CHARACTERS_MAX]


def asked_words(text: str) -> Iterator[str]:
    """The words that must all be found: of Chinese runs the pairs of neighbours, or the sign that stands alone."""
    for run in RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if CHINESE.fullmatch(run) and len(run) > 1:
            yield from (run[start : start + 2] for start in range(len(run) - 1))
        else:
            yield run[:WORD_CHARACTERS_MAX]


def filter_word(kind: str, value: str) -> str:
    """What is filtered by, as a word. kind: 'field', 'regime', 'column' or 'concept'."""
    return f"{kind}:{shown(' '.join(value.split()))}"[:FILTER_CHARACTERS_MAX]


def shown(text: str) -> str:
    """A text without what cannot be seen, which not every database takes."""
    return "".join(sign for sign in text if sign.isprintable())


def words_of(document: Document) -> tuple[str, ...]:
    """All words of a listing, each once, in order."""
    contract = document["contract"]
    columns = contract["columns"]
    filters = [
        filter_word("field", contract["applicationField"]),
        filter_word("regime", document["price"]["regime"]),
        *(filter_word("column", each["name"]) for each in columns),
        *(filter_word("concept", each["conceptId"]) for each in columns if each.get("conceptId")),
    ]
    texts = [
        document["component"],
        contract["title"]["en"],
        contract["title"]["zh"],
        contract["description"],
        contract["purpose"],
        contract["applicationField"],
        contract["subject"],
        contract["provider"],
        *(each["name"] for each in columns),
        *contract["permittedUses"],
        *(each["source"] for each in document["lineage"]),
        *(each["description"] for each in columns),
    ]
    found = dict.fromkeys(filters[:WORDS_MAX])
    for text in texts:
        for word in words_of_text(text):
            if len(found) >= 2 * WORDS_MAX:
                break
            found[word] = None
    return tuple(sorted(found))
