"""A card that stays in view is one sighting."""

from collections.abc import Iterable

from attendance.vision.qr import Code


class CardsInView:
    """Remembers which payloads are in view; one is gone when it was not read for ``gone_s`` of frame time."""

    def __init__(self, gone_s: float) -> None:
        self._gone_ns = round(gone_s * 1e9)
        self._read_ns: dict[bytes, int] = {}

    def new(self, codes: Iterable[Code], boot_ns: int) -> list[Code]:
        """Those of a frame's codes that were not in view before."""
        gone = [payload for payload, read_ns in self._read_ns.items() if boot_ns - read_ns > self._gone_ns]
        for payload in gone:
            del self._read_ns[payload]
        fresh = []
        for code in codes:
            if code.payload not in self._read_ns:
                fresh.append(code)
            self._read_ns[code.payload] = boot_ns
        return fresh
