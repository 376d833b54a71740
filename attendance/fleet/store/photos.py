"""Which photos belong to which scans, and which are in the centre's directory."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, exists, select, update

from attendance.clock import rfc3339
from attendance.fleet.store import dialect
from attendance.fleet.store.bulk import Insert
from attendance.fleet.store.tables import photo_files, photos


class PhotoOfScan(NamedTuple):
    """What is known of a scan's photo; ``sha256`` is ``None`` for none, or one that stays at the gate."""

    school_id: str
    scan_id: str
    gate_id: str
    student_key: str
    event_at: str
    sha256: str | None
    size_bytes: int
    reason: str
    score: float


_COLUMNS = PhotoOfScan._fields
_PUT = Insert(
    photos,
    _COLUMNS,
    "(school_id, scan_id) DO UPDATE SET gate_id = excluded.gate_id, sha256 = excluded.sha256, "
    "size_bytes = excluded.size_bytes, reason = excluded.reason, score = excluded.score",
)
_WANT = Insert(
    photo_files,
    ("school_id", "sha256", "size_bytes", "state"),
    "(school_id, sha256) DO UPDATE SET state = 'wanted' WHERE photo_files.state = 'doomed'",
)


def of_scans(conn: Connection, school_id: str, scan_ids: Iterable[str]) -> dict[str, PhotoOfScan]:
    """What is known, by scan."""
    query = select(*(photos.c[name] for name in _COLUMNS)).where(
        photos.c.school_id == school_id, dialect.among(conn, photos.c.scan_id, list(scan_ids))
    )
    return {row.scan_id: PhotoOfScan(*row) for row in conn.execute(query)}


def put(conn: Connection, rows: Sequence[PhotoOfScan]) -> int:
    """Keep what is known; each scan once. Pictures that are not here are wanted from then on."""
    files = {(row.school_id, row.sha256): row.size_bytes for row in rows if row.sha256 is not None}
    _WANT.run(conn, [(*file, size, "wanted") for file, size in sorted(files.items())])
    return _PUT.run(conn, rows)


def forget(conn: Connection, school_id: str, keys: Iterable[str]) -> None:
    """Forget the photos of a student, by all their keys; the pictures are to be deleted."""
    conn.execute(
        delete(photos).where(photos.c.school_id == school_id, dialect.among(conn, photos.c.student_key, list(keys)))
    )
    _doom_unnamed(conn, photo_files.c.school_id == school_id)


def forget_before(conn: Connection, first: datetime) -> int:
    """Forget the photos of older scans, of all schools; how many that were."""
    forgotten = conn.execute(delete(photos).where(photos.c.event_at < rfc3339(first))).rowcount
    _doom_unnamed(conn)
    return forgotten


def _doom_unnamed(conn: Connection, *where: ColumnElement[bool]) -> None:
    """Pictures that no record names are to be deleted."""
    named = exists().where(photos.c.school_id == photo_files.c.school_id, photos.c.sha256 == photo_files.c.sha256)
    conn.execute(update(photo_files).where(*where, photo_files.c.state != "doomed", ~named).values(state="doomed"))


def announced(conn: Connection, school_id: str, gate_id: str, sha256: str) -> int | None:
    """The size in bytes of a photo that a record of this gate announced."""
    query = (
        select(photos.c.size_bytes)
        .where(photos.c.school_id == school_id, photos.c.gate_id == gate_id, photos.c.sha256 == sha256)
        .limit(1)
    )
    size = conn.execute(query).scalar()
    return None if size is None else int(size)


def complete(conn: Connection, school_id: str, sha256: str) -> None:
    """Note that a photo is in the directory, whole. One that was erased meanwhile stays so."""
    conn.execute(
        update(photo_files)
        .where(photo_files.c.school_id == school_id, photo_files.c.sha256 == sha256, photo_files.c.state == "wanted")
        .values(state="complete")
    )


def of_scan(conn: Connection, school_id: str, scan_id: str) -> str | None:
    """The digest of a scan's photo, if it is in the directory."""
    query = (
        select(photos.c.sha256)
        .join(
            photo_files,
            (photo_files.c.school_id == photos.c.school_id) & (photo_files.c.sha256 == photos.c.sha256),
        )
        .where(photos.c.school_id == school_id, photos.c.scan_id == scan_id, photo_files.c.state == "complete")
    )
    digest = conn.execute(query).scalar()
    return None if digest is None else str(digest)


def doomed(conn: Connection, limit: int) -> list[tuple[str, str]]:
    """School and digest of photos to be deleted from the disk."""
    query = select(photo_files.c.school_id, photo_files.c.sha256).where(photo_files.c.state == "doomed").limit(limit)
    return [(school_id, sha256) for school_id, sha256 in conn.execute(query)]


def deleted(conn: Connection, school_id: str, sha256: str) -> None:
    """Note that a doomed photo is gone from the disk."""
    conn.execute(
        delete(photo_files).where(
            photo_files.c.school_id == school_id, photo_files.c.sha256 == sha256, photo_files.c.state == "doomed"
        )
    )
