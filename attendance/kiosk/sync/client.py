"""The centre, as the parts of a running gate ask it."""

from pathlib import Path
from typing import Any

from attendance.clock import Clock, Moment
from attendance.errors import BadInput, StorageError
from attendance.kiosk.sms.http_peer import LOOKUP_S
from attendance.kiosk.sync.credentials import Credentials, Enrolled
from attendance.kiosk.sync.exchange import (
    CentreBusy,
    CentreError,
    CentreUnreachable,
    ClockWrong,
    Exchange,
    NotTheCentre,
    Reply,
    Revoked,
)

__all__ = [
    "CentreBusy",
    "CentreClient",
    "CentreError",
    "CentreUnreachable",
    "ClockWrong",
    "NotEnrolled",
    "NotTheCentre",
    "Reply",
    "Revoked",
]


class NotEnrolled(CentreError):
    """This gate belongs to no centre, or what it knows of its centre cannot be used."""


class CentreClient:
    """Asks the centre at which the gate is enrolled at that moment. For any thread.

    Args:
        ca_file: PEM file of who vouches for the centre; ``None``: whom the system trusts.
    """

    def __init__(self, data_dir: Path, clock: Clock, *, ca_file: Path | None = None) -> None:
        self._enrolled = Enrolled(data_dir)
        self._clock = clock
        self._ca_file = ca_file
        self._exchange: tuple[Credentials, Exchange] | None = None
        self._fault: CentreError | None = None
        self._heard: Moment | None = None
        self._over = False

    @property
    def credentials(self) -> Credentials | None:
        """``None`` when the gate is not enrolled. If what it knows of its centre cannot be read, ``fault`` says so."""
        try:
            found = self._enrolled()
        except StorageError as error:
            self._fault = NotEnrolled(str(error))
            return None
        if found is None or isinstance(self._fault, NotEnrolled):
            self._fault = None
        return found

    @property
    def fault(self) -> CentreError | None:
        """Why the last question had no answer; ``None`` when it had one."""
        return self._fault

    @property
    def heard(self) -> Moment | None:
        """When the centre last answered in this run."""
        return self._heard

    def ask(self, method: str, path: str, body: Any = None, *, deadline_s: float) -> Reply:
        """Ask, and believe only what the centre signed.

        Args:
            path: with its query, percent-encoded; follows ``/api/v1``.
            body: bytes go as they are, ``None`` is none, anything else goes as JSON.

        Raises:
            CentreError: there is no answer of the centre; which kind says why.
        """
        try:
            reply = self._current().ask(method, path, body, deadline_s=deadline_s)
        except CentreError as error:
            self._fault = error
            raise
        self._fault, self._heard = None, self._clock.now()
        return reply

    def hang_up(self) -> None:
        """End every question that is under way, and take no new one: the gate is stopping. Any thread."""
        self._over = True
        if self._exchange is not None:
            self._exchange[1].hang_up()

    def _current(self) -> Exchange:
        if self._over:
            raise CentreUnreachable("The gate is stopping.")
        try:
            credentials = self._enrolled()
            if credentials is None:
                raise NotEnrolled("This gate is not enrolled at a centre: `attendance sync enroll URL CODE`.")
            known = self._exchange
            if known is None or known[0] != credentials:
                known = credentials, Exchange(credentials.url, credentials.token, ca_file=self._ca_file)
                self._exchange = known
        except (StorageError, BadInput) as error:
            raise NotEnrolled(str(error)) from error
        return known[1]


def longest_s(timeout_s: float) -> float:
    """How long a question may take: the system's resolver keeps no deadline of ours."""
    return LOOKUP_S + timeout_s
