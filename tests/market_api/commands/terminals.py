"""The command as somebody at a terminal uses it, in this process: what it writes, and its status."""

import io
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from market_api.__main__ import main
from market_api.commands.terminal import WIDTH_OF_A_FILE, console
from tests.market_api.client.places import Place


@dataclass(frozen=True)
class Done:
    """What came of a command."""

    status: int
    out: str
    err: str

    def identifier(self, kind: str) -> str:
        """The first name of a kind that was written, such as of 'ord'."""
        found = re.search(rf"{kind}_[0-9a-f]{{28}}", self.out)
        assert found is not None, self.out
        return found[0]


@dataclass(frozen=True)
class Terminal:
    """Somebody's terminal. name: of the login file; folder: where it is used."""

    name: str
    place: Place
    folder: Path
    monkeypatch: pytest.MonkeyPatch
    capsys: pytest.CaptureFixture[str]
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def login(self) -> Path:
        return self.folder / f"{self.name}.json"

    def run(self, *words: str, given: str = "") -> Done:
        """Run a command. given: what is piped into it."""
        environment = {
            "JINKU_MARKET_LOGIN": str(self.login),
            "JINKU_MARKET_URL": self.place.url,
            "JINKU_RELEASES": str(self.place.folder / "releases"),
            "JINKU_MARKET_TRUST": str(self.place.folder / "public"),
            "JINKU_MARKET_FOLDER": str(self.place.folder / "market"),
            **self.settings,
        }
        self.capsys.readouterr()
        with self.monkeypatch.context() as patch:
            patch.setattr(console, "width", WIDTH_OF_A_FILE)  # whatever the terminal of the tests is
            for name, value in environment.items():
                patch.setenv(name, value)
            patch.chdir(self.folder)
            patch.setattr(sys, "argv", ["market", *words])
            patch.setattr(sys, "stdin", io.StringIO(given))
            with pytest.raises(SystemExit) as ended:
                main()
        out, err = self.capsys.readouterr()
        return Done(int(ended.value.code or 0), out, err)

    def done(self, *words: str, given: str = "") -> Done:
        """The same, where it succeeds."""
        found = self.run(*words, given=given)
        assert found.status == 0, found.err + found.out
        return found

    def refused(self, code: str, *words: str, given: str = "") -> Done:
        """The same, where it is refused: one line, which names the code."""
        found = self.run(*words, given=given)
        assert found.status == 1 and found.err.startswith(f"error {code}: "), found.err + found.out
        assert len(found.err.splitlines()) == 1
        return found
