"""Taking in what belongs to scans that are here: corrections of their time, and photos."""

from collections.abc import Iterator
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from attendance.domain.wire import Correction, Photo
from attendance.fleet.batch import CREATED, DUPLICATE, LATER, Batch
from attendance.fleet.keeping import keep
from attendance.fleet.store import corrections, events, people, photos, rollups
from attendance.fleet.store.corrections import CorrectionOfScan
from attendance.fleet.store.events import Place
from attendance.fleet.store.photos import PhotoOfScan

ERASED = "erased"
"""Why there is no photo of somebody who asked to be forgotten."""
_OfScan = TypeVar("_OfScan", Correction, Photo)
_Row = TypeVar("_Row", CorrectionOfScan, PhotoOfScan)


def take_corrections(conn: Connection, batch: Batch) -> list[Place]:
    """Keep the batch's corrections, of which the last one made holds; the scans that changed."""
    if not batch.of(Correction):
        return []
    asked = list(_placed(conn, batch, Correction))
    before = corrections.of_scans(conn, batch.gate.school_id, {item.scan_id for _, item, _ in asked})
    newest, rows = dict(before), []
    for index, item, place in asked:
        row = _correction(batch, item, place)
        there = newest.get(item.scan_id)
        if there is not None and row.corrected_at <= there.corrected_at:
            batch.results[index] = DUPLICATE
        else:
            newest[item.scan_id] = row
            rows.append((index, row))
    written, _ = keep(conn, batch, _last_of_each(batch, rows), partial(corrections.put, conn))
    places = {place.scan_id: place for _, _, place in asked}
    changed = [places[row.scan_id] for row in written.values()]
    were = [_counted(place, before.get(place.scan_id)) for place in changed]
    are = [_counted(place, newest[place.scan_id]) for place in changed]
    rollups.count(conn, batch.gate, were, step=-1)
    rollups.count(conn, batch.gate, are)
    batch.days.update(day for day, _, _ in [*were, *are])
    return changed


def take_photos(conn: Connection, batch: Batch) -> None:
    """Keep what is known of scans' photos. That a gate keeps a picture no longer takes it from the centre."""
    if not batch.of(Photo):
        return
    asked = list(_placed(conn, batch, Photo))
    school_id = batch.gate.school_id
    newest = photos.of_scans(conn, school_id, {item.scan_id for _, item, _ in asked})
    erased = people.erased_keys(conn, school_id, {place.student_key for _, _, place in asked})
    rows = []
    for index, item, place in asked:
        row = _photo(batch, item, place, erased=place.student_key in erased)
        there = newest.get(item.scan_id)
        expired = there is not None and there.sha256 and not row.sha256 and row.reason != ERASED
        if expired or (there is not None and row[5:] == there[5:]):
            batch.results[index] = DUPLICATE
        else:
            newest[item.scan_id] = row
            rows.append((index, row))
    keep(conn, batch, _last_of_each(batch, rows), partial(photos.put, conn))


def _placed(conn: Connection, batch: Batch, kind: type[_OfScan]) -> Iterator[tuple[int, _OfScan, Place]]:
    """The items of a kind, each with its scan; what has none is answered ``later``."""
    asked = batch.of(kind)
    places = events.places(conn, batch.gate.school_id, {item.scan_id for item in asked.values()})
    for index, item in asked.items():
        place = places.get(item.scan_id)
        if place is None:
            batch.results[index] = LATER
        else:
            yield index, item, place


def _last_of_each(batch: Batch, rows: list[tuple[int, _Row]]) -> dict[int, _Row]:
    """Of several for one scan the last; the others were true for a moment."""
    last = {row.scan_id: index for index, row in rows}
    for index, row in rows:
        if last[row.scan_id] != index:
            batch.results[index] = CREATED
    return {index: row for index, row in rows if last[row.scan_id] == index}


def _correction(batch: Batch, item: Correction, place: Place) -> CorrectionOfScan:
    return CorrectionOfScan(
        batch.gate.school_id,
        item.scan_id,
        place.event_at,
        item.scanned_at,
        item.day,
        item.status,
        item.minutes_late,
        item.corrected_at,
    )


def _photo(batch: Batch, item: Photo, place: Place, *, erased: bool) -> PhotoOfScan:
    return PhotoOfScan(
        batch.gate.school_id,
        item.scan_id,
        batch.gate.gate_id,
        place.student_key,
        place.event_at,
        None if erased else item.sha256,
        0 if erased else item.size_bytes,
        ERASED if erased else item.reason,
        item.score,
    )


def _counted(place: Place, correction: CorrectionOfScan | None) -> tuple[str, str, bool]:
    """Day, time and whether it is late, as rollups count a scan."""
    if correction is None:
        return place.day, place.event_at, place.minutes_late > 0
    return correction.day, correction.scanned_at, correction.minutes_late > 0
