"""``kill -9`` between any two statements of a scan."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path

from scanning_until_killed import scan_cards

from attendance.kiosk.store.database import reading


def shown_until_killed(folder: Path, kill_at: int) -> set[str]:
    """The scans that were shown by a process that died at statement ``kill_at``."""
    folder.mkdir(exist_ok=True)
    ours, theirs = multiprocessing.Pipe(duplex=False)
    child = multiprocessing.get_context("fork").Process(target=_scan, args=(folder, kill_at, theirs))
    child.start()
    theirs.close()
    shown = set()
    while ours.poll(30):
        try:
            shown.add(ours.recv())
        except EOFError:
            break
    child.join(30)
    assert child.exitcode == (-9 if kill_at else 0)
    return shown - {""}


def _scan(folder: Path, kill_at: int, pipe: Connection) -> None:
    scan_cards(folder, kill_at, pipe.send)


def test_what_was_shown_is_recorded_and_nothing_is_half_recorded(tmp_path: Path) -> None:
    """Killed at each statement in turn: every scan shown is there, with its message and its sync row, once; and the
    same cards shown again afterwards make it two scans, never more."""
    statements = scan_cards(tmp_path, 0, lambda _scan_id: None)
    assert statements > 20
    for kill_at in range(1, statements + 1):
        folder = tmp_path / str(kill_at)
        shown = shown_until_killed(folder, kill_at)
        for again in (False, True):
            with reading(folder / "attendance.db") as conn:
                scans = {row[0] for row in conn.execute("SELECT scan_id FROM attendance")}
                messages = sorted(row[0] for row in conn.execute("SELECT scan_id FROM sms_outbox"))
                syncs = sorted(
                    row[0] for row in conn.execute("SELECT record_id FROM sync_queue WHERE record_type = 'scan'")
                )
                numbers = [row[0] for row in conn.execute("SELECT seq FROM attendance ORDER BY seq")]
            assert shown <= scans, kill_at
            assert messages == syncs == sorted(scans), kill_at
            assert numbers == list(range(1, len(scans) + 1)), kill_at
            assert not again or len(scans) == 2, kill_at
            scan_cards(folder, 0, lambda _scan_id: None)
