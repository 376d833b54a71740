"""A request with ``{phone}``, ``{text}`` and ``{id}`` in it, filled so that no text can become more than a value."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from attendance.errors import BadInput

PLACEHOLDERS = ("phone", "text", "id")
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")  # RFC 9110, 5.6.2
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_OURS = ("host", "content-length", "transfer-encoding", "connection")


@dataclass(frozen=True, slots=True)
class FilledRequest:
    """What goes over the wire. ``path``: percent-encoded, with its query."""

    path: str
    body: bytes | None


class RequestTemplate:
    """URL, headers and body of a provider's request.

    Placeholders may stand in the path and query of the URL, in a form, and inside the texts of a JSON body. There they
    are percent-encoded or part of a JSON text: whatever a name contains, it cannot end its value.

    Args:
        headers: each as ``Name: value``. They have no placeholders.
        body: JSON if it begins with a brace or bracket, else a form; empty: none.

    Raises:
        BadInput: a part cannot be used; the message says which and why.
    """

    def __init__(self, method: str, url: str, headers: tuple[str, ...], body: str) -> None:
        address = urlsplit(url)
        if _PLACEHOLDER.search(address.netloc) or "{" in address.scheme:
            raise BadInput("url has a placeholder in its host: messages go to one provider.")
        if not url.isascii() or not url.isprintable() or " " in url:
            raise BadInput("url has spaces or letters that an address cannot have; percent-encode them.")
        self.origin = f"{address.scheme}://{address.netloc}"
        self._path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self._form = body
        self._json = _json(body) if body.lstrip()[:1] in ("{", "[") else None
        if method == "GET" and body:
            raise BadInput("method is GET, which has no body. Put the placeholders into url, or use POST.")
        self._refuse_unknown()
        self.headers = self._headers(headers)

    def fill(self, values: Mapping[str, str]) -> FilledRequest:
        """The request for one message.

        Args:
            values: one for each of ``PLACEHOLDERS``.
        """
        path = _substituted(self._path, lambda name: _encoded(values[name]))
        if self._json is not None:
            filled = _mapped(self._json, lambda text: _substituted(text, lambda name: values[name]))
            return FilledRequest(path, json.dumps(filled).encode())
        body = _substituted(self._form, lambda name: _encoded(values[name])) if self._form else None
        return FilledRequest(path, None if body is None else body.encode())

    def _refuse_unknown(self) -> None:
        filled = [self._path, *(_texts(self._json) if self._json is not None else [self._form])]
        used = {name for part in filled for name in _PLACEHOLDER.findall(part)}
        for name in sorted(used.difference(PLACEHOLDERS)):
            known = ", ".join(f"{{{known}}}" for known in PLACEHOLDERS)
            raise BadInput(f"{{{name}}} is no placeholder; there are {known}.")
        for name in ("phone", "text"):
            if name not in used:
                raise BadInput(f"Neither url nor the values of body have {{{name}}}: no provider could know it.")

    def _headers(self, lines: tuple[str, ...]) -> dict[str, str]:
        headers: dict[str, str] = {}
        for position, line in enumerate(lines, 1):
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not colon or not _HEADER_NAME.fullmatch(name) or not value.isascii() or not value.isprintable():
                raise BadInput(f"Line {position} of headers is none: it must be `Name: value`, in ASCII.")
            if name.lower() in _OURS:
                raise BadInput(f"headers has {name!r}, which is set by the request itself. Take it out.")
            headers[name] = value
        wanted = _JSON if self._json is not None else _FORM
        given = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
        if given and self._form and given.split(";")[0].strip().lower() != wanted:
            raise BadInput(f"headers says {given!r}, but body is {wanted}. Bodies are JSON or forms.")
        return headers if given or not self._form else {**headers, "Content-Type": wanted}


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(
            'body begins like JSON and is none. Placeholders stand inside texts: {"to": "{phone}", "text": "{text}"}.'
        ) from error


def _substituted(template: str, value: Callable[[str], str]) -> str:
    """One pass: what a value contains is never looked at again."""
    return _PLACEHOLDER.sub(lambda found: value(found[1]), template)


def _encoded(value: str) -> str:
    return quote(value, safe="", errors="replace")


def _mapped(node: Any, change: Callable[[str], str]) -> Any:
    """JSON with every text that is a value changed; keys stay."""
    if isinstance(node, str):
        return change(node)
    if isinstance(node, list):
        return [_mapped(each, change) for each in node]
    if isinstance(node, dict):
        return {key: _mapped(each, change) for key, each in node.items()}
    return node


def _texts(node: Any) -> Iterator[str]:
    """Every text of JSON that is a value."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, list | dict):
        for each in node.values() if isinstance(node, dict) else node:
            yield from _texts(each)
