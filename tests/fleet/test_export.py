"""What leaves the centre for analyses: every scan once, as corrected, nobody's name, and keys only if asked."""

from datetime import date, timedelta
from pathlib import Path

import pyarrow.dataset
import pyarrow.parquet
import pytest
from one_school import NOW, Ledger, Site, student

from attendance.clock import ManualClock, rfc3339
from attendance.errors import StorageError
from attendance.fleet import directory
from attendance.fleet.parquet import REFUSALS, SCANS, Exported, export_parquet
from attendance.fleet.roller import Roller
from attendance.fleet.store.engine import transaction

ANA, BEN = "a" * 32, "b" * 32
EVER = (date(1970, 1, 1), date(2199, 12, 31))


@pytest.fixture
def filled(site: Site) -> Site:
    """Two students over two months, one of whom is forgotten; one scan was corrected into the other month."""
    site.send(student("1", ANA, section="Rizal"), student("2", BEN), now=NOW - timedelta(days=60))
    ledger = Ledger("Main")
    for days in range(40):
        ledger.scan(NOW - timedelta(days=days), ANA)
    moved = ledger.scan(NOW, BEN)
    site.send(*ledger.scans)
    right = NOW - timedelta(days=35)
    correction = {"type": "correction", "scan_id": moved["scan_id"], "scanned_at": rfc3339(right), "status": "late"}
    assert site.send(
        correction | {"day": right.date().isoformat(), "minutes_late": 3, "corrected_at": rfc3339(NOW)}
    ) == ["created"]
    with transaction(site.engine) as conn:
        directory.erase(conn, site.school.school_id, "2", NOW)
    Roller(site.engine, ManualClock(NOW)).roll()
    return site


def export(site: Site, folder: Path, *, keys: bool = False, days: tuple[date, date] = EVER) -> Exported:
    return export_parquet(site.engine, [site.school], *days, folder, keys=keys)


def read(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = (
        pyarrow.dataset.dataset(folder / "scans", partitioning="hive").to_table().to_pylist()
    )
    return found


def test_every_scan_leaves_once_as_corrected(filled: Site, tmp_path: Path) -> None:
    """In the month in which it was; twice exported it is there once."""
    assert export(filled, tmp_path).scans == export(filled, tmp_path).scans == 41
    rows = read(tmp_path)
    assert len(rows) == 41
    (corrected,) = [row for row in rows if row["corrected"]]
    assert (corrected["status"], corrected["minutes_late"], corrected["month"]) == ("late", 3, "2026-10")
    assert {row["section"] for row in rows if not row["corrected"]} == {"Rizal"}


def test_nobody_is_named(filled: Site, tmp_path: Path) -> None:
    """Neither names, nor numbers, nor keys; files say what their columns are."""
    export(filled, tmp_path)
    for path in tmp_path.rglob("*.parquet"):
        table = pyarrow.parquet.read_table(path, partitioning=None)
        assert table.column_names == list(SCANS if "scans" in path.parts else REFUSALS)
        assert all(field.metadata[b"comment"] for field in table.schema)
        assert "student" not in table.column_names or set(table["student"].to_pylist()) == {None}
        told = str(table.to_pylist())
        assert not [each for each in (ANA, BEN, "Student 1", "Guardian", "+63917") if each in told]


def test_pseudonyms_are_of_one_export_only(filled: Site, tmp_path: Path) -> None:
    """The same student has one in an export, another in the next; the forgotten has none."""
    pseudonyms = set()
    for folder in (tmp_path / "1", tmp_path / "2"):
        export(filled, folder, keys=True)
        rows = read(folder)
        (ana,) = {row["student"] for row in rows if not row["corrected"]}
        assert {row["student"] for row in rows if row["corrected"]} == {None}
        pseudonyms.add(ana)
    assert len(pseudonyms | {ANA, None}) == 4


def test_only_the_days_asked_for(filled: Site, tmp_path: Path) -> None:
    """Both ends included."""
    last = NOW.date()
    assert export(filled, tmp_path, days=(last - timedelta(days=2), last)).scans == 3


def test_a_folder_that_cannot_be_written_is_said(filled: Site, tmp_path: Path) -> None:
    """With which one, and what to do."""

    (tmp_path / "scans").write_text("a file")
    with pytest.raises(StorageError, match="cannot be written"):
        export(filled, tmp_path)
