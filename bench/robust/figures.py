"""One measured number beside what it should be and what others do, and the table of them."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured number.

    Attributes:
        part: of the bench.
        aim: what the value should be below; ``None`` where there is none.
        ratio_floor: what share of the peer's value ours should be at least; ``None`` where there is none.
        document: the limit of the user's document, in its words.
        earlier: what was measured of the earlier implementation, on another machine.
        peer: what was measured beside it in this run, ``peer_value`` in the same unit.
        note: what else belongs to it.
    """

    part: str
    what: str
    value: float
    unit: str
    aim: float | None = None
    document: str = ""
    earlier: str = ""
    peer: str = ""
    peer_value: float | None = None
    note: str = ""
    ratio_floor: float | None = None

    @property
    def met(self) -> bool | None:
        if self.ratio_floor is not None and self.ratio is not None:
            return self.ratio >= self.ratio_floor
        return None if self.aim is None else self.value < self.aim

    @property
    def wanted(self) -> str:
        """The aim, for people."""
        if self.ratio_floor is not None:
            return f"≥ {_short(self.ratio_floor)} of the peer"
        return "" if self.aim is None else f"< {_short(self.aim)}"

    @property
    def ratio(self) -> float | None:
        """Ours as a multiple of the peer's."""
        return round(self.value / self.peer_value, 3) if self.peer_value else None

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "met": self.met, "ratio": self.ratio}


_HEAD = ("what", "measured", "aim", "", "document", "earlier", "peer, this run", "ours/peer", "note")


def table(figures: Iterable[Figure]) -> str:
    """For people: a block for every part, without the columns that it leaves empty."""
    blocks: dict[str, list[tuple[str, ...]]] = {}
    for figure in figures:
        blocks.setdefault(figure.part, []).append(_cells(figure))
    return "\n\n".join(block(part, _HEAD, rows) for part, rows in blocks.items())


def block(title: str, head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Rows in columns under a title, without the columns that they leave empty."""
    used = [column for column in zip(head, *rows, strict=True) if any(column[1:])]
    widths = [max(map(len, column)) for column in used]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in zip(*used, strict=True)
    ]
    return "\n".join([f"# {title}", *(line.rstrip() for line in lines)])


def _cells(figure: Figure) -> tuple[str, ...]:
    verdict = {None: "", True: "met", False: "aim missed"}[figure.met]
    peer = f"{figure.peer} {_short(figure.peer_value)}" if figure.peer_value is not None else ""
    return (
        figure.what,
        f"{_short(figure.value)} {figure.unit}",
        figure.wanted,
        verdict,
        figure.document,
        figure.earlier,
        peer,
        "" if figure.ratio is None else _short(figure.ratio),
        figure.note,
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def percentile(values: list[float], percent: float) -> float:
    """By the nearest rank."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(len(ordered) * percent / 100))]
