"""Who asks, when proxies may stand between: only those that somebody named are believed."""

from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Protocol

from attendance.errors import BadInput

_FORWARDING = ("X-Forwarded-For", "Forwarded", "X-Real-IP", "Via")
PRIVATE = tuple(
    ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "169.254.0.0/16",
        "::1/128",
        "fe80::/10",
        "fc00::/7",
    )
)
"""Loopback, RFC 1918, link-local (RFC 3927, RFC 4291) and unique local addresses (RFC 4193)."""

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Headers(Protocol):
    """A request's headers, by names whose case does not matter."""

    def __contains__(self, name: str, /) -> bool: ...

    def get(self, name: str, default: str, /) -> str: ...


def networks(key: str, texts: Sequence[str]) -> tuple[Network, ...]:
    """Addresses and networks as a person wrote them.

    Args:
        key: where they were written, for the error.

    Raises:
        BadInput: one is neither.
    """
    found = []
    for text in texts:
        try:
            found.append(ip_network(text, strict=False))
        except ValueError as error:
            raise BadInput(
                f"{key}: {text!r} is neither an IP address nor a network; write 192.168.1.20 or 192.168.1.0/24"
            ) from error
    return tuple(found)


def address(text: str) -> Address | None:
    """An address without its zone, an IPv4 one in the dress of IPv6 (RFC 4291, 2.5.5.2) as what it is."""
    try:
        parsed = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(parsed, "ipv4_mapped", None) or parsed


def within(peer: Address, among: Iterable[Network]) -> bool:
    return any(peer in network for network in among)


def peer(connected: str, headers: Headers, proxies: Sequence[Network]) -> Address | None:
    """Who asks, as far as that can be believed; ``None`` when it cannot be told.

    Args:
        connected: the other end of the connection.
        proxies: those whose ``X-Forwarded-For`` is believed.
    """
    hop = address(connected)
    if hop is None or not within(hop, proxies):
        # a proxy nobody named would make the whole world look like this device
        return None if any(name in headers for name in _FORWARDING) else hop
    forwarded = headers.get("X-Forwarded-For", "")
    for text in reversed(forwarded.split(",")) if forwarded else ():
        hop = address(text.strip())
        if hop is None or not within(hop, proxies):
            return hop
    return hop
