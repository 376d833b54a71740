"""Scans and refusals as Parquet files for DuckDB, Spark and the like: no names, and keys only for whoever asks.

``DIR/scans/school=…/month=…/part-0.parquet`` and ``DIR/refusals/…``: the layout that Hive began. pyarrow is imported
when it is used: nothing else of a centre needs it.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from attendance.clock import from_rfc3339
from attendance.errors import AttendanceError, StorageError
from attendance.fleet.store import export, gates
from attendance.fleet.store.engine import reading
from attendance.fleet.store.schools import School

SCANS: Mapping[str, tuple[str, str]] = {
    "day": ("date32", "the local school day"),
    "scanned_at": ("timestamp", "when the card was read, as corrected, in UTC"),
    "gate_id": ("text", "the gate"),
    "gate": ("text", "its name"),
    "session": ("text", "of the school day"),
    "direction": ("text", "in or out"),
    "status": ("text", "on_time, late, left_early, returned"),
    "minutes_late": ("int32", "whole minutes after the class began; 0 unless late"),
    "passage": ("int32", "how often the student passed that day before"),
    "source": ("text", "how the card was read"),
    "card_signed": ("bool", "the card carried a right signature"),
    "time_sure": ("bool", "the gate's clock was known to be right, or the time was corrected"),
    "corrected": ("bool", "the time was corrected afterwards"),
    "section": ("text", "of the student on that day; null: not in the directory"),
    "grade": ("text", "likewise"),
    "student": ("text", "a pseudonym, the same within one export; null: not asked for, or forgotten"),
}
REFUSALS: Mapping[str, tuple[str, str]] = {
    "day": ("date32", "the local school day"),
    "seen_at": ("timestamp", "when the card was read, in UTC"),
    "gate_id": ("text", "the gate"),
    "gate": ("text", "its name"),
    "refusal": ("text", "why"),
    "source": ("text", "how the card was read"),
    "time_sure": ("bool", "the gate's clock was known to be right"),
}
"""Columns, their types, and what they say; the files carry that, too."""


@dataclass(frozen=True, slots=True)
class Exported:
    files: int
    scans: int
    refusals: int


def export_parquet(
    engine: Engine, schools: Sequence[School], first: date, last: date, folder: Path, *, keys: bool
) -> Exported:
    """Write what there is of some schools between two local days. Files of the same schools and months are replaced.

    Args:
        keys: with a pseudonym for each student. It is made with a secret that is kept nowhere, so that neither it nor
            another export says who that is.

    Raises:
        AttendanceError: pyarrow is not installed.
        StorageError: the folder cannot be written, or the database refused.
    """
    arrow = _pyarrow()
    pseudonym = _pseudonyms(secrets.token_bytes(32)) if keys else None
    files = counted_scans = counted_refusals = 0
    for school in schools:
        with reading(engine) as conn:
            school_id = school.school_id
            names = {each.gate_id: each.name for each in gates.of_school(conn, school_id, revoked=True)}
            for begin, end in export.months(conn, school_id, first, last):
                place = Path(f"school={school_id}") / f"month={begin[:7]}" / "part-0.parquet"
                read = (
                    [_scan(row, names, pseudonym) for row in portion]
                    for portion in export.scans(conn, school_id, begin, end)
                )
                counted_scans += _write(arrow, folder / "scans" / place, SCANS, read)
                read = (
                    [_refusal(row, names) for row in portion] for portion in export.refused(conn, school_id, begin, end)
                )
                counted_refusals += _write(arrow, folder / "refusals" / place, REFUSALS, read)
                files += 2
    return Exported(files, counted_scans, counted_refusals)


def _scan(row: Sequence[Any], names: Mapping[str, str], pseudonym: Callable[[str], str] | None) -> Sequence[Any]:
    day, at, gate_id, *middle, signed, sure, corrected, section, grade, key, forgotten = row
    student = pseudonym(key) if pseudonym and not forgotten else None
    flags = (bool(signed), bool(sure), bool(corrected))
    return (
        date.fromisoformat(day),
        from_rfc3339(at),
        gate_id,
        names[gate_id],
        *middle,
        *flags,
        section,
        grade,
        student,
    )


def _refusal(row: Sequence[Any], names: Mapping[str, str]) -> Sequence[Any]:
    day, at, gate_id, refusal, source, sure = row
    return (date.fromisoformat(day), from_rfc3339(at), gate_id, names[gate_id], refusal, source, bool(sure))


def _pseudonyms(secret: bytes) -> Callable[[str], str]:
    return lambda key: hmac.new(secret, key.encode(), hashlib.sha256).hexdigest()[:32]


def _write(
    arrow: Any, path: Path, columns: Mapping[str, tuple[str, str]], portions: Iterator[Sequence[Sequence[Any]]]
) -> int:
    """A file, whole or not at all; how many rows."""
    types = {
        "date32": arrow.date32(),
        "timestamp": arrow.timestamp("us", "UTC"),
        "text": arrow.string(),
        "int32": arrow.int32(),
        "bool": arrow.bool_(),
    }
    schema = arrow.schema(
        [arrow.field(name, types[kind], metadata={"comment": text}) for name, (kind, text) in columns.items()]
    )
    unfinished = path.with_suffix(".unfinished")
    count = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with arrow.parquet.ParquetWriter(unfinished, schema, compression="zstd") as writer:
            for rows in portions:
                arrays = [
                    arrow.array(values, each.type) for values, each in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                writer.write_batch(arrow.record_batch(arrays, schema=schema))
                count += len(rows)
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(
            f"{str(path)!r} cannot be written ({error}). Check the folder and the room on it."
        ) from error
    return count


def _pyarrow() -> Any:
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise AttendanceError("Parquet files need pyarrow, which is missing: pip install pyarrow") from error
    return pyarrow
