"""The register of a day, for people and for spreadsheets. Rows are those of ``kiosk.store.register.day``."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from attendance.reports.csv_text import csv_text

COLUMNS = (
    "student_id",
    "name",
    "section",
    "direction",
    "status",
    "minutes_late",
    "session",
    "scanned_at",
    "photo",
    "photo_reason",
    "device_id",
    "epoch",
    "seq",
    "clock_trusted",
)


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as CSV with a header. A cell that a spreadsheet would run as a formula begins with an apostrophe."""
    return csv_text(COLUMNS, ([row[column] for column in COLUMNS] for row in rows))


def as_text(rows: Sequence[Mapping[str, Any]], day: str) -> str:
    """The rows as a table with totals."""
    if not rows:
        return f"No scans on {day}."
    lines = [f"{'time':8}  {'number':14}  {'name':28}  {'section':12}  what"]
    for row in rows:
        what = " ".join(filter(None, (row["direction"], row["status"].replace("_", " "))))
        uncertain = "" if row["clock_trusted"] else "  (clock uncertain)"
        lines.append(
            f"{row['scanned_at'][11:19]}  {row['student_id'] or '-':14}  {(row['name'] or '-')[:28]:28}  "
            f"{(row['section'] or '')[:12]:12}  {what}{uncertain}"
        )
    counts = Counter(row["status"].replace("_", " ") for row in rows)
    totals = ", ".join(f"{count} {status}" for status, count in counts.most_common())
    return "\n".join([*lines, "", f"{day}: {len(rows)} scans ({totals})"])
