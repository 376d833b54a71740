"""The composition root of the messages: what exists when SMS are on, who gets what, and in which order it starts."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from attendance.clock import Clock
from attendance.config import Paths, Settings
from attendance.kiosk.sms import gateway_plan, plan
from attendance.kiosk.sms.absence import Absences, OthersConfirmed
from attendance.kiosk.sms.capacity_watch import CapacityWatch
from attendance.kiosk.sms.courier import Courier
from attendance.kiosk.sms.forgetting import Forgetting
from attendance.kiosk.sms.gateway_watch import GatewayWatch
from attendance.kiosk.sms.phone_health import phone_problems
from attendance.kiosk.sms.polling import ReportPoll
from attendance.kiosk.sms.proof import ProofOfWork
from attendance.kiosk.sms.summaries import Summaries, SummaryRules
from attendance.ops.health import HealthBoard, ProbeResult
from attendance.ops.service import Service
from attendance.ops.sqlite import Writer


class Messages:
    """Everything that tells guardians.

    Args:
        works: whether somebody who shows a card now is seen and recorded.
        phone: what the phone's last ping said.
        on_sent: called for each message that a gateway took.
        others_confirmed: whether the scans of the school's other gates are here; without it they never are.
    """

    def __init__(
        self,
        settings: Settings,
        paths: Paths,
        writer: Writer,
        clock: Clock,
        *,
        works: Callable[[], bool],
        phone: Callable[[], Any],
        on_sent: Callable[[], object],
        others_confirmed: OthersConfirmed | None = None,
    ) -> None:
        self._phone = phone
        self._capacity = CapacityWatch(paths.database, clock, partial(plan.school_capacity, settings))
        rules, texts = plan.absence_rules(settings), plan.texts(settings)
        routes = gateway_plan.routes(settings.sms_notifications, paths.resolve, clock)
        report_after = timedelta(minutes=settings.sms_notifications.report_after_minutes)
        self.longest_s = routes.longest_s
        self._courier = Courier(
            paths.database,
            writer,
            routes,
            texts,
            clock,
            rules.zone,
            limits=plan.limits(settings),
            report_after=report_after,
            on_sent=on_sent,
        )
        self._gateways = GatewayWatch(routes)
        self._poll = ReportPoll(
            paths.database, writer, routes, clock, rules=plan.reports(settings), report_after=report_after
        )
        self._forgetting = Forgetting(paths.database, writer, clock)
        self._proof = ProofOfWork(writer, clock, works)
        self._absences = Absences(paths.database, writer, clock, rules, others_confirmed)
        self._summaries = Summaries(
            paths.database,
            writer,
            texts,
            clock,
            SummaryRules(plan.summaries(settings), rules),
            others_confirmed,
        )

    @property
    def services(self) -> Sequence[Service]:
        """In the order of starting. A step of the first three lasts as long as a gateway may take: ``longest_s``."""
        asking = (self._courier, self._poll, self._gateways)
        parts = (*asking, self._forgetting, self._proof, self._absences, self._summaries)
        return [part.service for part in parts]

    def add_probes(self, board: HealthBoard) -> None:
        """Let health ask how messages stand."""
        board.add_probe("sms", self._courier.probe)
        board.add_probe("absence", self._absences.probe)
        board.add_probe("summaries", self._summaries.probe)
        board.add_probe("sms_limits", self._capacity.probe)
        board.add_probe("sms_phone", lambda: ProbeResult("sms_phone", {}, phone_problems(self._phone())))

    def weigh(self, students: int, numbers: int) -> None:
        """Judge whether the limits can carry the school, and say so if not.

        Args:
            students: who have a guardian that is told.
            numbers: of those guardians.
        """
        self._capacity.weigh(students, numbers)

    def wake(self) -> None:
        """There is a new message."""
        self._courier.service.nudge()
