"""Who may see what. The screen shows names and faces of minors: the device itself, and whoever the school has named."""

import hashlib
import hmac
import socket
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from flask import Request

from attendance.ops import peers

COOKIE = "attendance_screen"


class Access:
    """Judges requests by their peer, their ``Host`` and their tokens.

    Args:
        allow: further addresses or networks that get the screen.
        screen_token: gets the screen from anywhere; empty: none does.
        health_token: gets health's details from outside private networks; empty: none does.
        hosts: further names by which the gate is addressed.
        trusted_proxies: addresses or networks whose ``X-Forwarded-For`` is believed.

    Raises:
        BadInput: an address is none.
    """

    def __init__(
        self,
        *,
        allow: Sequence[str] = (),
        screen_token: str = "",
        health_token: str = "",
        hosts: Iterable[str] = (),
        trusted_proxies: Sequence[str] = (),
    ) -> None:
        self._allow = peers.networks("screen.allow", allow)
        self._proxies = peers.networks("web.trusted_proxies", trusted_proxies)
        self._screen_token = screen_token
        self._health_token = health_token
        own = socket.gethostname().lower()
        self._hosts = {"localhost", own, f"{own}.local", *(name.lower().rstrip(".") for name in hosts)}

    @property
    def cookie(self) -> str:
        """What a browser keeps instead of the token."""
        return hmac.new(self._screen_token.encode(), b"screen", hashlib.sha256).hexdigest()

    def peer(self, request: Request) -> peers.Address | None:
        """Who asks, as far as that can be believed; ``None`` when it cannot be told."""
        return peers.peer(request.remote_addr or "", request.headers, self._proxies)

    def host_known(self, request: Request) -> bool:
        """Whether the request was meant for us: a foreign name here is a page that tricks a browser into asking."""
        try:
            name = urlsplit(f"//{request.headers.get('Host', '')}").hostname or ""
        except ValueError:
            return False
        name = name.rstrip(".")
        return name in self._hosts or peers.address(name) is not None

    def screen_allowed(self, request: Request) -> bool:
        peer = self.peer(request)
        if peer is not None and (peer.is_loopback or peers.within(peer, self._allow)):
            return True
        kept = request.cookies.get(COOKIE, "")
        return bool(self._screen_token) and same(kept, self.cookie)

    def screen_token_right(self, token: str) -> bool:
        return bool(self._screen_token) and same(token, self._screen_token)

    def health_allowed(self, request: Request) -> bool:
        return self.from_private(request) or bears(request, self._health_token)

    def from_private(self, request: Request) -> bool:
        """Whether this device or one of its own networks asks."""
        peer = self.peer(request)
        return peer is not None and peers.within(peer, peers.PRIVATE)


def bears(request: Request, token: str) -> bool:
    """Whether the request has ``token`` in its ``Authorization``; nothing has the empty one."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return bool(token) and scheme.lower() == "bearer" and same(given.strip(), token)


def same_origin(request: Request) -> bool:
    """Whether a browser sent this from our own page; programs, which say nothing of an origin, pass."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        return False
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == request.headers.get("Host", "").lower()
    except ValueError:
        return False


def same(given: str, right: str) -> bool:
    """Compare with a secret in a time that tells nothing of it."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), right.encode())
