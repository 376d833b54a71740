"""The composition root of the centre: what one of its processes is made of."""

import logging

from sqlalchemy import Engine

from attendance.access.door import Door
from attendance.access.passwords import Passwords
from attendance.access.sessions import Sessions
from attendance.access.throttle import Throttle
from attendance.clock import Clock, SystemClock
from attendance.fleet.alerting import CentreAlerting
from attendance.fleet.centre import Centre
from attendance.fleet.log_store import LogStore
from attendance.fleet.photo_store import PhotoStore
from attendance.fleet.plan import CentrePlan
from attendance.fleet.roller import Roller
from attendance.fleet.sight import Sight
from attendance.fleet.store import logins
from attendance.fleet.store.engine import open_engine, upgrade
from attendance.fleet.upkeep import Upkeep
from attendance.fleet.web.site import create_app
from attendance.ops import peers
from attendance.ops.alert_post import Poster
from attendance.ops.service import Service
from attendance.ops.sparse_log import SparseLog

log = logging.getLogger(__name__)


def prepare(plan: CentrePlan) -> None:
    """Bring the database to the newest schema and make the folder, before any process serves.

    Raises:
        AttendanceError: the plan cannot be carried out; nothing is served.
    """
    peers.networks("--trusted-proxy", plan.trusted_proxies)
    plan.folder.mkdir(parents=True, exist_ok=True)
    engine = open_engine(plan.database)
    upgrade(engine)
    engine.dispose()


class CentreProcess:
    """One process of the centre. Made in the process that serves: database connections survive no fork.

    Args:
        passwords: hashes them with other parameters than the recommended ones.

    Attributes:
        app: the WSGI application.
    """

    def __init__(
        self,
        plan: CentrePlan,
        clock: Clock | None = None,
        *,
        connections: int = 8,
        passwords: Passwords | None = None,
    ) -> None:
        clock = clock or SystemClock()
        self._engine = open_engine(plan.database, connections=connections)
        guesses = Throttle(logins.FailedGuesses(self._engine, clock), clock)
        self.centre = Centre(
            engine=self._engine,
            clock=clock,
            photos=PhotoStore(plan.folder / "photos"),
            logs=LogStore(plan.folder / "logs"),
            door=_door(self._engine, clock, guesses, passwords or Passwords()),
            guesses=guesses,
            sight=Sight(self._engine, clock),
            storage_log=SparseLog(log, logging.ERROR, clock),
            proxies=peers.networks("--trusted-proxy", plan.trusted_proxies),
            monitor_token=plan.monitor_token,
        )
        self._upkeep = Service("upkeep", Upkeep(self.centre))
        self._roller = Service("roller", Roller(self._engine, clock))
        told = CentreAlerting(self._engine, clock, self.centre.sight, Poster())
        self._alerting = Service("alerts", told, wake=told.wake)
        self.app = create_app(self.centre)

    def start(self) -> None:
        self._upkeep.start()
        self._roller.start()
        self._alerting.start()

    def stop(self) -> bool:
        """Whether everything ended in time."""
        ended = all([self._alerting.stop(), self._roller.stop(), self._upkeep.stop()])
        self._engine.dispose()
        return ended


def _door(engine: Engine, clock: Clock, guesses: Throttle, passwords: Passwords) -> Door:
    return Door(
        logins.Accounts(engine, clock),
        Sessions(logins.Sessions(engine), clock),
        guesses,
        passwords,
        logins.DoorAudit(engine, clock),
    )
