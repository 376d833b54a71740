"""What can be wrong between a gate and its centre, and what a person must do about it."""

from collections.abc import Mapping

from attendance.kiosk.sync.client import (
    CentreBusy,
    CentreError,
    CentreUnreachable,
    ClockWrong,
    NotEnrolled,
    NotTheCentre,
    Revoked,
)
from attendance.ops.health import Problem

UNREACHABLE = Problem(
    "centre-unreachable",
    "notice",
    "The centre has not answered for {minutes:.0f} minutes: {why}",
    "Check the gate's internet connection. Everything waits here, and nothing is lost meanwhile.",
)
NOT_THE_CENTRE = Problem(
    "centre-not-itself",
    "warning",
    "Somebody answers in the place of the centre: {why}",
    "Open a page of the internet on this network: if it wants a login, log the gate in or use another network. If not, "
    "ask who runs the centre whether it was set up anew.",
)
REVOKED = Problem(
    "gate-revoked",
    "warning",
    "This gate was revoked at the centre: its scans stay here.",
    "If it still belongs to the school, ask whoever runs the centre for a code, then `attendance sync leave` and "
    "`attendance sync enroll URL CODE`.",
)
CLOCK_WRONG = Problem(
    "centre-clock",
    "warning",
    "By this gate's clock the centre's certificate is not valid: {why}",
    "Look at `date`, and set the clock: `sudo timedatectl set-ntp true`. If the date is right, the certificate has "
    "expired: tell whoever runs the centre.",
)
CENTRE_REFUSES = Problem(
    "centre-refuses",
    "warning",
    "The centre answers, but takes nothing: {why}",
    "Bring the gate and the centre to the same version; send this line to whoever runs the centre.",
)
ENROLMENT_UNUSABLE = Problem("centre-enrolment", "warning", "{why}", "Run `attendance sync status` at the gate.")
NOT_TAKEN = Problem(
    "sync-not-taken",
    "warning",
    "{count} records were not taken by the centre, the newest because: {why}",
    "Look at `attendance sync dead list`. When the cause is mended, `attendance sync dead retry` sends them again.",
)
CHAIN_BROKEN = Problem(
    "sync-chain-broken",
    "warning",
    "The centre finds that scan {seq} of series {epoch} does not follow the one before it: rows were lost or altered.",
    "If the database of this gate was repaired, that is why. If not, somebody may have changed it: keep a backup and "
    "tell whoever runs the centre.",
)


def of_fault(fault: CentreError | None, silent_minutes: float) -> list[Problem]:
    """What a question without an answer means.

    Args:
        silent_minutes: for how long there has been none.
    """
    if fault is None:
        return []
    why = str(fault)
    if isinstance(fault, CentreUnreachable | CentreBusy) and not isinstance(fault, ClockWrong):
        long = silent_minutes >= _PATIENCE_MINUTES
        return [UNREACHABLE.said(minutes=silent_minutes, why=why)] if long else []
    found = next((problem for kind, problem in _OF.items() if isinstance(fault, kind)), CENTRE_REFUSES)
    return [found.said(why=why)]


_PATIENCE_MINUTES = 15.0
"""Networks of schools stumble; nobody needs to know."""
_OF: Mapping[type[CentreError], Problem] = {
    ClockWrong: CLOCK_WRONG,
    NotTheCentre: NOT_THE_CENTRE,
    Revoked: REVOKED,
    NotEnrolled: ENROLMENT_UNUSABLE,
}
