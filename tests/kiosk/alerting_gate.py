"""A gate that tells people of its problems, for tests."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from alert_receiver import Receiver, Straight

from attendance.clock import ManualClock
from attendance.kiosk.alerting import Alerting, AlertPlan, Receivers
from attendance.ops.alerts import Policy
from attendance.ops.health import Problem, Snapshot

MANILA = ZoneInfo("Asia/Manila")
POLICY = Policy({"error": 120, "warning": 3_600}, {"error": 4 * 3_600, "warning": 24 * 3_600}, 300, 1_800)


class Gate:
    """A gate with problems, at 07:40 in Manila, that looks when told to."""

    def __init__(self, data_dir: Path, receiver: Receiver, **plan: Any) -> None:
        self.clock = ManualClock(datetime(2026, 6, 7, 23, 40, tzinfo=UTC))
        self.problems: tuple[Problem, ...] = ()
        self.in_contact = False
        self.messages: list[tuple[str, str]] = []
        self.data_dir = data_dir
        self.receiver = receiver
        self.plan = AlertPlan(
            **{
                "policy": POLICY,
                "receivers": Receivers([f"json://{receiver.place}/office"], ["+639171234567"]),
                "escalation": Receivers([f"json://{receiver.place}/head"]),
                "place": "Main gate",
                **plan,
            }
        )
        self.alerting = self.made()

    def made(self) -> Alerting:
        return Alerting(
            self.plan,
            self.data_dir,
            self.clock,
            MANILA,
            snapshot=lambda: Snapshot("unhealthy" if self.problems else "healthy", {}, self.problems, 0),
            in_contact=lambda: self.in_contact,
            send_sms=self.send,
            poster=Straight(),
        )

    def send(self, phone: str, text: str) -> None:
        self.messages.append((phone, text))

    def minutes(self, count: int, *problems: Problem) -> list[tuple[str, str]]:
        """What the receivers heard in so many minutes with these problems."""
        before = len(self.receiver.heard)
        self.problems = problems
        for _ in range(count):
            self.clock.advance(60)
            self.alerting.step()
        return self.receiver.heard[before:]
