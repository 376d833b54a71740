"""Which photos belong to which scans, and which are in the centre's directory."""

from sqlalchemy import Connection, delete, select, update

from attendance.fleet.store.tables import photo_files, photos


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
