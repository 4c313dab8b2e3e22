"""Registered names: what may be one, and when two are the same to the eye.

A name is written in letters of one script, or in those of Chinese, Japanese or Korean with Latin among them: Unicode's
"highly restrictive" level (UTS 39, §5.2), of the scripts that are told apart here. Two names are the same where their
letters and digits are, without case, width, marks between them, and whichever of the scripts a letter of one shape is
taken from.
"""

import unicodedata

SCRIPTS = ("LATIN", "CJK", "HIRAGANA", "KATAKANA", "BOPOMOFO", "HANGUL", "CYRILLIC", "GREEK")
"""As Unicode's names of characters begin."""

TOGETHER = (
    frozenset({"LATIN", "CJK", "HIRAGANA", "KATAKANA"}),
    frozenset({"LATIN", "CJK", "BOPOMOFO"}),
    frozenset({"LATIN", "CJK", "HANGUL"}),
    frozenset({"CYRILLIC"}),
    frozenset({"GREEK"}),
)
"""Scripts that may be mixed in one name."""

CJK_NAMES = ("CJK UNIFIED", "CJK COMPATIBILITY", "IDEOGRAPHIC")
UNSEEN = frozenset("\u115f\u1160\u3164\uffa0\u2800")
"""Letters and symbols that are blank, though Unicode calls them neither space nor control."""

SAME_SHAPE = str.maketrans(
    "авекмнорстухіјѕԁԛԝһүαβεικνορτυχωγıɑɡ",
    "abekmhopctyxijsdqwhyabeikvoptuxwyiag",
)
"""Small letters, most of Cyrillic and Greek, that look like other Latin ones in their small or their great form."""


def registered_name(value: str) -> str:
    """A name as it is kept: composed (NFKC), one space between words. Raises ValueError for what is none, and why."""
    composed = unicodedata.normalize("NFKC", " ".join(unicodedata.normalize("NFKC", value).split()))
    scripts: set[str] = set()
    for character in composed:
        category = unicodedata.category(character)
        if character in UNSEEN or category in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise ValueError("it holds characters that cannot be seen")
        if category.startswith("L") or category == "Nl":
            scripts.add(_script(character))
        elif not (" " <= character <= "~" or category.startswith("P")):
            raise ValueError("it holds signs that are neither letters, digits nor punctuation")
    if not scripts:
        raise ValueError("it holds no letter")
    if not any(scripts <= mixed for mixed in TOGETHER):
        raise ValueError("it mixes letters of scripts that look alike")
    return composed


def name_key(name: str) -> str:
    """What two names have in common that are the same to the eye."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return "".join(each for each in folded if each.isalnum()).translate(SAME_SHAPE)


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    if name.startswith(CJK_NAMES):
        return "CJK"
    script = name.partition(" ")[0].partition("-")[0]  # the sign of a long vowel is "KATAKANA-HIRAGANA"
    if script not in SCRIPTS:
        raise ValueError("it holds letters of a script in which names are not kept; write it in Chinese or Latin ones")
    return script
