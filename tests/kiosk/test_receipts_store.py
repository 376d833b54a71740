"""Delivery reports in the database: evidence of each, one row a message in the log, and the outbox that moves on."""

import json
import re
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from attendance.clock import ManualClock, Moment, age
from attendance.domain.message import MessageKind
from attendance.domain.receipt import Report, read_report
from attendance.domain.scan import Accepted, Direction, Status
from attendance.kiosk.store import delivery_log, ledger, receipts, roster
from attendance.kiosk.store.database import create_or_migrate
from attendance.kiosk.store.receipts import Outcome, Rules
from attendance.ops import sqlite

NOON = datetime(2026, 6, 8, 4, 0, tzinfo=UTC)
MANILA = ZoneInfo("Asia/Manila")
RULES = Rules(log_deliveries=True, retry_failed=False, expire_after=timedelta(hours=2), zone=MANILA)
RETRYING = replace(RULES, retry_failed=True)
DOCUMENTED = """CREATE TABLE sms_delivery_log (
    message_id TEXT PRIMARY KEY,
    phone_number TEXT NOT NULL,
    status TEXT NOT NULL,
    student_id TEXT,
    error_message TEXT,
    timestamp TEXT,
    created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
    updated_at TIMESTAMP
)"""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def conn(tmp_path: Path, clock: ManualClock) -> Iterator[sqlite3.Connection]:
    path = tmp_path / "attendance.db"
    create_or_migrate(path, clock.now())
    conn = sqlite.connect(path)
    with sqlite.transaction(conn):
        roster.enrol(conn, roster.Enrolment("S-7", "Ana", guardians=[roster.Guardian("+639171234567")]), clock.now())
    yield conn
    conn.close()


def queue(conn: sqlite3.Connection, seen: Moment, passage: int = 1) -> str:
    """The id of a message that a scan has put into the outbox."""
    scan = Accepted(date(2026, 6, 8), "morning", Direction.IN, Status.ON_TIME, passage, "Welcome.")
    with sqlite.transaction(conn):
        key = roster.key_of(conn, "S-7")
        origin = ledger.Origin("gate-1", "camera")
        done = ledger.record(conn, key, scan, seen, origin, ledger.CardUsed(0, False), MessageKind.CHECK_IN)
    return str(conn.execute("SELECT message_id FROM sms_outbox WHERE scan_id = ?", (done.scan_id,)).fetchone()[0])


def flat(message_id: str, state: str, **more: str) -> Report:
    return read_report(json.dumps({"id": message_id, "state": state, **more}).encode())


def tell(conn: sqlite3.Connection, report: Report, now: Moment, rules: Rules = RULES) -> Outcome:
    with sqlite.transaction(conn):
        return receipts.record(conn, report, now, rules)


def outbox(conn: sqlite3.Connection, message_id: str) -> sqlite3.Row:
    return conn.execute("SELECT * FROM sms_outbox WHERE message_id = ?", (message_id,)).fetchone()


def log_row(conn: sqlite3.Connection, message_id: str) -> sqlite3.Row | None:
    return conn.execute("SELECT * FROM sms_delivery_log WHERE message_id = ?", (message_id,)).fetchone()


def count(conn: sqlite3.Connection, table: str) -> int:
    return int(conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def test_the_log_is_the_documented_table(conn: sqlite3.Connection) -> None:
    """Word for word, with nothing added to it."""
    rows = conn.execute(
        "SELECT sql FROM sqlite_schema WHERE tbl_name = 'sms_delivery_log' AND sql IS NOT NULL"
    ).fetchall()
    assert [re.sub(r"\s+", " ", row["sql"]) for row in rows] == [re.sub(r"\s+", " ", DOCUMENTED)]


def test_a_report_moves_its_message_and_names_its_student(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """The outbox knows which student a message is about, so the log does; times are local without offset."""
    message = queue(conn, clock.now())
    done = tell(conn, flat(message, "Delivered", phoneNumber="+639171234567"), clock.now())
    assert done == Outcome(known=True, moved=True)
    assert outbox(conn, message)["gateway_state"] == "Delivered"
    assert tuple(log_row(conn, message)) == (
        *(message, "+639171234567", "Delivered", "S-7", None),
        *("2026-06-08T12:00:00", "2026-06-08 04:00:00", "2026-06-08 04:00:00"),
    )


def test_a_late_report_never_overwrites_an_end(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """ "Sent" after "Delivered" is kept as evidence and changes neither the message nor the log."""
    message = queue(conn, clock.now())
    for state in ("Delivered", "Sent", "Failed", "Delivered"):
        clock.advance(1)
        tell(conn, flat(message, state), clock.now())
    row = log_row(conn, message)
    assert row is not None
    assert (outbox(conn, message)["gateway_state"], row["status"]) == ("Delivered", "Delivered")
    assert row["updated_at"] == "2026-06-08 04:00:01"
    assert [r["state"] for r in conn.execute("SELECT state FROM sms_reports")] == ["Delivered", "Sent", "Failed"]


def test_a_number_that_comes_later_is_filled_in(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """A report without a number stores an empty one, for the column may not be null."""
    tell(conn, flat("m1", "Sent"), clock.now())
    assert log_row(conn, "m1")["phone_number"] == ""
    tell(conn, flat("m1", "Delivered", phoneNumber="+639171234567"), clock.now())
    assert log_row(conn, "m1")["phone_number"] == "+639171234567"


def test_an_unknown_message_is_logged_counted_and_changes_no_other(
    conn: sqlite3.Connection, clock: ManualClock
) -> None:
    """It may be a message of the phone's owner, or somebody trying."""
    message = queue(conn, clock.now())
    before = tuple(outbox(conn, message))
    assert tell(conn, flat("test_123", "Delivered"), clock.now()) == Outcome(known=False, moved=True)
    assert log_row(conn, "test_123")["student_id"] is None
    assert tuple(outbox(conn, message)) == before
    assert receipts.totals(conn) == {"received": 1, "Delivered": 1}


def test_a_repeated_report_does_nothing(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """Neither a row nor a count, whoever repeats it and when."""
    report = flat(queue(conn, clock.now()), "Failed")
    assert tell(conn, report, clock.now(), RETRYING).retry
    assert tell(conn, report, clock.now(), RETRYING) == Outcome(repeated=True, known=True)
    assert (count(conn, "sms_reports"), count(conn, "sms_outbox"), receipts.totals(conn)["received"]) == (1, 2, 1)


def test_each_part_of_a_long_message_may_report(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """Three deliveries of one message are one delivered message."""
    message = queue(conn, clock.now())
    for part in ("e1", "e2", "e3"):
        tell(conn, replace(flat(message, "Delivered"), event_id=part), clock.now())
    assert receipts.totals(conn) == {"received": 3, "Delivered": 1}


def test_a_word_of_somebody_elses_in_the_log_is_overtaken(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """The documented table takes any text; none of it stops a report."""
    conn.execute("INSERT INTO sms_delivery_log (message_id, phone_number, status) VALUES ('m1', '', 'unknown')")
    assert tell(conn, flat("m1", "Sent"), clock.now()).moved
    assert log_row(conn, "m1")["status"] == "Sent"


def test_without_the_log_messages_still_move(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """``log_deliveries: false`` leaves the log empty and nothing else."""
    message = queue(conn, clock.now())
    assert tell(conn, flat(message, "Delivered"), clock.now(), replace(RULES, log_deliveries=False)).moved
    assert (outbox(conn, message)["gateway_state"], count(conn, "sms_delivery_log")) == ("Delivered", 0)


def test_a_failed_message_is_sent_once_more(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """Under a new id, for the same guardian and scan, as old as the first; the failed one stays failed."""
    message = queue(conn, clock.now())
    clock.advance(60)
    retry = tell(conn, flat(message, "Failed", error="no service"), clock.now(), RETRYING).retry
    first, second = outbox(conn, message), outbox(conn, retry)
    assert (first["gateway_state"], first["gateway_error"]) == ("Failed", "no service")
    assert (second["retry_of"], second["state"], second["gateway_state"]) == (message, "waiting", "")
    same = ("scan_id", "guardian_id", "kind", "student_key", "made_at", "made_boot_ns")
    assert [second[name] for name in same] == [first[name] for name in same]
    assert 0 < len(retry) <= 36


def test_a_retry_is_not_retried_and_no_message_twice(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """One more chance is one."""
    message = queue(conn, clock.now())
    retry = tell(conn, flat(message, "Failed"), clock.now(), RETRYING).retry
    again = replace(flat(message, "Failed"), event_id="another event")
    assert tell(conn, again, clock.now(), RETRYING).retry == ""
    assert tell(conn, flat(retry, "Failed"), clock.now(), RETRYING).retry == ""
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute(
            "INSERT INTO sms_outbox (message_id, scan_id, student_key, guardian_id, kind, made_at, made_boot_id,"
            " made_boot_ns, retry_of) SELECT 'x', scan_id, student_key, guardian_id, kind, made_at, made_boot_id,"
            " made_boot_ns, retry_of FROM sms_outbox WHERE message_id = ?",
            (retry,),
        )


def test_retries_are_a_choice(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """By default a failed message is only failed; a stranger's is never sent."""
    assert tell(conn, flat(queue(conn, clock.now()), "Failed"), clock.now()).retry == ""
    assert tell(conn, flat("stranger", "Failed"), clock.now(), RETRYING).retry == ""
    assert count(conn, "sms_outbox") == 1


@pytest.mark.parametrize(("after_s", "retried"), [(7199, True), (7200, False)])
def test_old_news_is_not_sent_again(conn: sqlite3.Connection, clock: ManualClock, after_s: int, retried: bool) -> None:
    """After ``expire_after_minutes`` by boot time, whatever the wall clock does meanwhile."""
    message = queue(conn, clock.now())
    clock.step(-86_400)
    clock.advance(after_s)
    assert bool(tell(conn, flat(message, "Failed"), clock.now(), RETRYING).retry) is retried


@pytest.mark.parametrize(
    ("made_trusted", "now_trusted", "hours", "retried"),
    [(True, True, 1, True), (True, True, 3, False), (False, True, 3, True), (True, False, 3, True)],
)
def test_age_after_a_reboot(
    conn: sqlite3.Connection, clock: ManualClock, made_trusted: bool, now_trusted: bool, hours: int, retried: bool
) -> None:
    """Wall times decide only if both were trusted; a clock that may be wrong makes nothing old."""
    clock.trusted = made_trusted
    message = queue(conn, clock.now())
    rebooted = ManualClock(NOON + timedelta(hours=hours), boot_id="second", trusted=now_trusted)
    rebooted.advance(60)
    assert bool(tell(conn, flat(message, "Failed"), rebooted.now(), RETRYING).retry) is retried


def test_a_corrected_scan_counts_by_its_right_time(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """A message made by an unsure clock is as old as its scan turned out to be."""
    clock.trusted = False
    message = queue(conn, clock.now())
    scan_id = outbox(conn, message)["scan_id"]
    ledger.correct_clock(conn, scan_id, NOON - timedelta(hours=5), date(2026, 6, 8), "on_time", 0, clock.now())
    rebooted = ManualClock(NOON, boot_id="second")
    assert tell(conn, flat(message, "Failed"), rebooted.now(), RETRYING).retry == ""


def test_age_without_trust_is_that_of_the_boot() -> None:
    """After two hours of this boot a message from before it is at least two hours old."""
    made = ManualClock(NOON, boot_id="first", trusted=False).now()
    clock = ManualClock(NOON + timedelta(days=400), boot_id="second")
    clock.advance(7200)
    assert age(made, clock.now()) == timedelta(hours=2)


def test_evidence_is_bounded_and_takes_strangers_along(
    conn: sqlite3.Connection, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flood of made-up reports fills nothing: the newest are kept, and our own messages' rows stay."""
    monkeypatch.setattr(receipts, "KEPT_REPORTS", 40)
    monkeypatch.setattr(receipts, "_PRUNE_EVERY", 10)
    message = queue(conn, clock.now())
    tell(conn, flat(message, "Sent"), clock.now())
    tell(conn, flat("spoken-of-again", "Sent"), clock.now())
    for number in range(200):
        tell(conn, flat(f"flood-{number}", "Delivered"), clock.now())
    tell(conn, flat("spoken-of-again", "Delivered"), clock.now())
    for number in range(200, 230):
        tell(conn, flat(f"flood-{number}", "Delivered"), clock.now())
    assert count(conn, "sms_reports") <= 50
    assert count(conn, "sms_delivery_log") <= 52
    assert log_row(conn, message) is not None
    assert log_row(conn, "spoken-of-again")["status"] == "Delivered"
    assert log_row(conn, "flood-0") is None
    assert receipts.totals(conn)["received"] == 233


def test_old_evidence_goes_by_a_trusted_clock_only(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """After 90 days, with its strangers' rows in the log; an untrusted clock that has jumped ahead drops nothing."""
    tell(conn, flat("old", "Sent"), clock.now())
    clock.trusted = False
    clock.step(3650 * 86_400)
    receipts.forget_old(conn, clock.now())
    assert count(conn, "sms_reports") == 1
    clock.step(-3650 * 86_400)
    clock.trusted = True
    clock.advance(91 * 86_400)
    tell(conn, flat("new", "Sent"), clock.now())
    receipts.forget_old(conn, clock.now())
    assert [row["message_id"] for row in conn.execute("SELECT message_id FROM sms_reports")] == ["new"]
    assert log_row(conn, "old") is None


def test_a_report_dated_by_a_wrong_clock_takes_none_along(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """A gate that began the day in 2016 does not forget yesterday when it learns the date."""
    tell(conn, flat("yesterday", "Sent"), clock.now())
    clock.trusted = False
    clock.step(-3650 * 86_400)
    tell(conn, flat("dated-2016", "Sent"), clock.now())
    clock.trusted = True
    clock.step(3651 * 86_400)
    receipts.forget_old(conn, clock.now())
    assert count(conn, "sms_reports") == 2


def test_who_is_erased_leaves_no_number_behind(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """With a student's messages go their rows in the log and their reports."""
    message = queue(conn, clock.now())
    tell(conn, flat(message, "Delivered", phoneNumber="+639171234567"), clock.now())
    with sqlite.transaction(conn):
        roster.erase(conn, [roster.key_of(conn, "S-7")])
    assert (count(conn, "sms_delivery_log"), count(conn, "sms_reports"), count(conn, "sms_outbox")) == (0, 0, 0)


def test_a_scan_still_has_one_message_a_guardian(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """The outbox excludes doubles as before; only a retry may repeat."""
    message = queue(conn, clock.now())
    with pytest.raises(sqlite3.IntegrityError):
        conn.execute(
            "INSERT INTO sms_outbox (message_id, scan_id, student_key, guardian_id, kind, made_at, made_boot_id,"
            " made_boot_ns) SELECT 'x', scan_id, student_key, guardian_id, kind, made_at, made_boot_id,"
            " made_boot_ns FROM sms_outbox WHERE message_id = ?",
            (message,),
        )


def test_the_last_ping_is_kept(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """Of a few phones; an unsure clock does not decide which is the last."""
    for number in range(receipts.KEPT_PHONES + 5):
        ping = {
            "id": f"p{number}",
            "event": "system:ping",
            "deviceId": f"phone-{number}",
            "payload": {"health": {"checks": {"battery:level": {"observedValue": number}}}},
        }
        clock.step(-3600)
        tell(conn, read_report(json.dumps(ping).encode()), clock.now())
    last = receipts.last_ping(conn)
    assert last is not None
    assert (last["battery_percent"], last["charging"]) == (12.0, None)
    assert count(conn, "sms_phones") == receipts.KEPT_PHONES
    assert receipts.totals(conn) == {"received": 0}


def test_statistics_count_only_delivered_as_delivered(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """The rate is that of messages that came to an end; failures of the last day are told apart."""
    tell(conn, flat("f0", "Failed"), clock.now())
    clock.advance(25 * 3600)
    for name, state in [("f1", "Failed"), ("d1", "Delivered"), ("d2", "Delivered"), ("s1", "Sent"), ("s2", "Sent")]:
        tell(conn, flat(name, state), clock.now())
    assert delivery_log.statistics(conn, clock.now()) == {
        "status_counts": {"Delivered": 2, "Failed": 2, "Sent": 2},
        "recent_failures_24h": 1,
        "delivery_rate_percent": 50.0,
        "total_tracked": 6,
    }


def test_statistics_of_nothing_are_zero(conn: sqlite3.Connection, clock: ManualClock) -> None:
    """With the same fields as those of something."""
    nothing = delivery_log.statistics(conn, clock.now())
    assert nothing == delivery_log.no_statistics()
    assert {type(value) for value in nothing.values()} == {dict, int, float}
