"""One pass over received bytes: is the gzip whole, is it text, and how many records does it hold.

The count is made without the engine, so that `received = loaded + quarantined` is a real check.
"""

import codecs
import zlib
from collections.abc import Iterator

import numpy as np

from vault.errors import BatchRefused

PIECE_BYTES = 8 << 20
GZIP_MAGIC = b"\x1f\x8b"
NEWLINE, RETURN = 0x0A, 0x0D


class RecordCounter:
    """Counts the records of delimited text: lines that are not blank, newlines inside quotes apart."""

    def __init__(self, quote: str | None) -> None:
        self._quote = ord(quote) if quote else None
        self._in_quotes = False
        self._line_is_blank = True
        self.records = 0

    def feed(self, chunk: bytes) -> None:
        """Count on; chunks may end anywhere."""
        if not chunk:
            return
        plain = self._quote is None or (not self._in_quotes and self._quote not in chunk)
        if (
            plain
            and b"\n\n" not in chunk
            and b"\n\r" not in chunk
            and not (self._line_is_blank and chunk[0] in (NEWLINE, RETURN))
        ):
            self.records += chunk.count(b"\n")
            self._line_is_blank = chunk[-1] == NEWLINE
            return
        self._feed_slowly(chunk)

    def finish(self) -> int:
        """The number of records; a last line without a newline counts."""
        return self.records + (0 if self._line_is_blank else 1)

    def _feed_slowly(self, chunk: bytes) -> None:
        text = np.frombuffer(chunk, dtype=np.uint8)
        text = text[text != RETURN]
        if not len(text):
            return
        quoted = np.zeros(len(text), dtype=bool)
        if self._quote is not None:
            quoted = (np.cumsum(text == self._quote) + self._in_quotes) % 2 == 1
            self._in_quotes = bool(quoted[-1])
        ends = (text == NEWLINE) & ~quoted
        blank_before = np.concatenate(([self._line_is_blank], ends[:-1]))
        self.records += int(np.count_nonzero(ends & ~blank_before))
        self._line_is_blank = bool(ends[-1])


class Inspector:
    """Fed with the plain bytes of a file as they are kept; `finish` gives the verdict.

    gzip is recognised by its first bytes, not by the file's name.
    """

    def __init__(self, *, encoding: str, quote: str | None) -> None:
        self._counter = RecordCounter(quote)
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ascii_so_far = True
        self._inflater: zlib._Decompress | None = None
        self._is_first = True
        self._refusal: BatchRefused | None = None
        self._newlines = 0
        self._returns = 0
        self.is_gzip = False
        self.is_empty = True

    @property
    def newlines_are_mixed(self) -> bool:
        """Whether some lines end in CR LF and others in LF alone: the engine's reader takes only one kind."""
        return 0 < self._returns < self._newlines

    def feed(self, chunk: bytes) -> None:
        """Look at the next bytes of the file."""
        if self._refusal is not None or not chunk:
            return
        if self._is_first:
            self._is_first = False
            self.is_gzip = chunk.startswith(GZIP_MAGIC)
        try:
            for piece in self._inflate(chunk) if self.is_gzip else (chunk,):
                self._look(piece)
        except zlib.error:
            self._refusal = BatchRefused("torn_gzip", "the compressed file is damaged")
        except UnicodeDecodeError as error:
            self._refusal = BatchRefused("wrong_encoding", f"not {error.encoding}: {error.reason}")
        except BatchRefused as refusal:
            self._refusal = refusal

    def finish(self) -> int:
        """The number of records, header line included. Raises BatchRefused with the true cause."""
        if self._refusal is not None:
            raise self._refusal
        if self.is_gzip and (self._inflater is None or not self._inflater.eof):
            raise BatchRefused("torn_gzip", "the compressed file ends too early")
        if self.is_empty:
            raise BatchRefused("empty_file", "the file holds no bytes")
        try:
            self._decoder.decode(b"", True)
        except UnicodeDecodeError as error:
            raise BatchRefused("wrong_encoding", f"not {error.encoding}: {error.reason}") from None
        return self._counter.finish()

    def _inflate(self, chunk: bytes) -> Iterator[bytes]:
        """Plain bytes in bounded pieces, over any number of gzip members."""
        while chunk:
            if self._inflater is None or self._inflater.eof:
                if self._inflater is not None and not chunk.strip(b"\0"):
                    return  # zero padding after the last member is allowed
                self._inflater = zlib.decompressobj(wbits=31)
            yield self._inflater.decompress(chunk, PIECE_BYTES)
            chunk = self._inflater.unconsumed_tail or self._inflater.unused_data

    def _look(self, text: bytes) -> None:
        if not text:
            return
        self.is_empty = False
        if b"\0" in text:
            raise BatchRefused("not_text", "the file is binary, not text")
        if not (self._ascii_so_far and text.isascii()):
            self._ascii_so_far = False
            self._decoder.decode(text)
        self._newlines += text.count(b"\n")
        self._returns += text.count(b"\r")
        self._counter.feed(text)
