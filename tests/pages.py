"""Pages as tests read them: as text without tags, and in a real browser."""

import re
from collections.abc import Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
HOSTILE = "<script>alert(1)</script>\"'><img src=https://evil.example/x.png onerror=alert(1)>{{ 7 * 7 }}"
INLINE = frozenset({"a", "abbr", "b", "code", "q", "s", "span", "strong", "time", "wbr"})
"""Tags that do not part words."""


class Page(HTMLParser):
    """A page as it is read: its text without tags, its links, its identifiers and all that it would load."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path, self.source = path, path.read_text("utf-8")
        self.links: list[str] = []
        self.identifiers: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._parts: list[str] = []
        self._inside = ""
        self.feed(self.source)
        self.text = re.sub(r"\s+", " ", "".join(self._parts))

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = dict(attributes)
        self._inside = tag
        if tag not in INLINE:
            self._parts.append(" ")
        self.tags.append((tag, found))
        self.identifiers += [found["id"] or ""] if "id" in found else []
        self.links += [found["href"] or ""] if tag == "a" else []

    def handle_data(self, data: str) -> None:
        if self._inside != "style":
            self._parts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""
        if tag not in INLINE:
            self._parts.append(" ")

    def between(self, start: str, end: str) -> str:
        """The text from one heading to the next."""
        return self.text.split(start, 1)[1].split(end, 1)[0]


def assert_nothing_is_loaded(page: Page) -> None:
    """No script runs, and nothing comes from anywhere: the policy of the page forbids what its parts do not ask for."""
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "img", "iframe", "object", "embed", "base", "image", "video", "audio", "form"}
    for tag, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        if tag == "link":
            assert attributes == {"rel": "icon", "href": "data:,"}
        elif tag != "a" and "href" in attributes:
            assert (attributes["href"] or "").startswith("#")
    style = page.source.split("<style>", 1)[1].split("</style>", 1)[0]
    assert "url(" not in style and "@import" not in style
    assert "default-src 'none'" in page.source


def assert_shown_whole_and_quietly(browser: Any, pages: Sequence[Path], width: int, scheme: str) -> None:
    """In a browser of that width nothing scrolls sideways, is too small, comes from afar or complains."""
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    tab = context.new_page()
    noise: list[str] = []

    def is_far(address: str) -> bool:
        return not address.startswith(("file:", "data:"))

    tab.on("console", lambda message: noise.append(message.text))
    tab.on("pageerror", lambda error: noise.append(str(error)))
    tab.on("dialog", lambda dialog: noise.append(dialog.message))
    tab.on("request", lambda request: noise.extend([request.url] if is_far(request.url) else []))
    for page in pages:
        tab.goto(page.as_uri())
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
        assert tab.evaluate("document.body.scrollWidth") <= width, page
        boxes = "[...document.querySelectorAll('.card')].filter(box => box.scrollWidth > box.clientWidth + 1).length"
        assert tab.evaluate(boxes) == 0, page
        small = tab.evaluate("Math.min(...[...document.querySelectorAll('svg.chart text')]"
                             ".map(text => text.getBoundingClientRect().height), 99)")  # fmt: skip
        assert small >= 11, f"a text of a chart is {small} pixels high"
        assert noise == []
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(246, 246, 243)" if scheme == "light" else "rgb(20, 23, 26)")
    context.close()
