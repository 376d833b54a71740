"""Records on their way to the centre: from rows of the queue to one question, and from its answer to verdicts."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from attendance.domain import wire
from attendance.domain.wire import ItemResult, Result
from attendance.kiosk.store.sync_items import Item, PhotoOfScan
from attendance.kiosk.store.sync_queue import Queued, Verdict

_LARGEST_BYTES = wire.LARGEST_BODY_BYTES * 3 // 4
"""Of the items together; the rest is room for what holds them together."""
_GONE = "what it was about is gone"


@dataclass(frozen=True, slots=True)
class Batch:
    """What is sent at once.

    Attributes:
        rows: of the items, in their order.
        gone: rows of which there is nothing to tell any more.
    """

    rows: Sequence[Queued]
    items: Sequence[Item]
    gone: Sequence[Queued]

    @property
    def body(self) -> dict[str, Any]:
        return {"items": list(self.items)}

    def verdicts(self, results: Sequence[ItemResult], pause_s: Callable[[int], float]) -> list[Verdict]:
        """What the answer means for each row.

        Args:
            results: one for each item.
            pause_s: the pause after so many tries.
        """
        found = [Verdict(row.position, row.revision, Result.DUPLICATE, _GONE) for row in self.gone]
        for row, result in zip(self.rows, results, strict=True):
            pause = pause_s(row.tries + 1) if result.result is Result.LATER else 0.0
            found.append(Verdict(row.position, row.revision, result.result, result.reason, pause))
        return found


def make(queued: Sequence[Queued], photo_item: Callable[[PhotoOfScan], Item]) -> Batch:
    """The first of the rows, as many as one question carries; at least one."""
    rows: list[Queued] = []
    items: list[Item] = []
    gone: list[Queued] = []
    size = 0
    for row in queued:
        if row.record is None:
            gone.append(row)
            continue
        item = photo_item(row.record) if isinstance(row.record, PhotoOfScan) else row.record
        size += len(json.dumps(item, separators=(",", ":"), ensure_ascii=False).encode()) + 1
        if items and size > _LARGEST_BYTES:
            break
        rows.append(row)
        items.append(item)
    return Batch(rows, items, gone)
