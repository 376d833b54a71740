"""The newest of a gate's logs, packed for whoever asked for them, without what is nobody's business.

Logs hold no names, numbers or secrets in the first place. This looks once more, before they leave the gate.
"""

import gzip
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from attendance.domain.contact import LARGEST_LOG_BYTES
from attendance.domain.message import masked_in

_LARGEST_BYTES = 4 * 1024 * 1024
"""Of all files together, before packing: some weeks of a gate, and little enough for its memory."""
_SHORTEST_HIDDEN = 4
_WORD = re.compile(r"\w+")
_BEARER = re.compile(r"(?i)(bearer|basic) [\w.~+/=-]{8,}")
HIDDEN = "(hidden)"


class Veil:
    """Hides words in texts.

    Args:
        hidden: names, numbers and secrets; those that are shorter than four characters are not looked for.
    """

    def __init__(self, hidden: Iterable[str]) -> None:
        self._by_first_word: dict[str, list[str]] = {}
        for text in sorted({each for each in hidden if len(each) >= _SHORTEST_HIDDEN}, key=len, reverse=True):
            if first := _WORD.search(text):
                self._by_first_word.setdefault(first.group(), []).append(text)

    def over(self, text: str) -> str:
        """The text with all of them hidden, and phone numbers and whatever follows ``Bearer``."""
        found, position = [], 0
        for word in _WORD.finditer(text):
            if word.start() < position:
                continue
            for hidden in self._by_first_word.get(word.group(), ()):
                begin = word.start() - hidden.index(word.group())
                if begin >= position and text.startswith(hidden, begin):
                    found += [text[position:begin], HIDDEN]
                    position = begin + len(hidden)
                    break
        whole = "".join((*found, text[position:]))
        return _BEARER.sub(rf"\1 {HIDDEN}", masked_in(whole))


def bundle(files: Sequence[Path], veil: Veil) -> bytes:
    """One gzip file with the end of each log under its name; no larger than the centre takes.

    Files that are not there, or cannot be read, are said to be so.
    """
    share = _LARGEST_BYTES // max(1, len(files))
    while True:
        text = "\n".join(f"==> {file.name} <==\n{veil.over(_end(file, share))}" for file in files)
        packed = gzip.compress(text.encode(), compresslevel=6, mtime=0)
        if len(packed) <= LARGEST_LOG_BYTES:
            return packed
        share //= 2


def _end(file: Path, size: int) -> str:
    """The last whole lines of a file."""
    try:
        with file.open("rb") as stream:
            length = stream.seek(0, os.SEEK_END)
            stream.seek(max(0, length - size))
            data = stream.read(size)
    except FileNotFoundError:
        return "(there is none)\n"
    except OSError as error:
        return f"(it cannot be read: {error.strerror})\n"
    if length > size:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace")
