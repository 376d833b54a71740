"""Becoming a gate of a centre, and giving that up.

Killed at any point, the same command with the same code goes on: the token is on the disk before the centre hears of
it.
"""

from dataclasses import dataclass
from pathlib import Path

from attendance.domain import contact
from attendance.errors import BadInput, StorageError
from attendance.kiosk.store import centre_cursors, sync_queue
from attendance.kiosk.store.database import reading, writing
from attendance.kiosk.sync import credentials
from attendance.kiosk.sync.credentials import Credentials
from attendance.kiosk.sync.exchange import Exchange
from attendance.kiosk.sync.pulling import read


@dataclass(frozen=True, slots=True)
class Machine:
    """What a gate says of itself.

    Attributes:
        ca_file: PEM file of who vouches for the centre; ``None``: whom the system trusts.
        timeout_s: for the whole question.
    """

    device_id: str
    device_name: str
    version: str
    model: str
    ca_file: Path | None
    timeout_s: float


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What became of it.

    Attributes:
        students_wanted: the centre knows no students of the school yet: this gate's become its list.
    """

    credentials: Credentials
    students_wanted: bool


def enrol(
    database: Path, data_dir: Path, url: str, code: str, machine: Machine, *, other_school: bool = False
) -> Enrolment:
    """Turn a one-time code into this gate's place at a centre.

    Args:
        database: up to date.
        url: of the centre; a missing ``https://`` is added.
        other_school: send everything anew although another school's centre has it.

    Raises:
        BadInput: the gate has a place already, the centre refuses, or it is another school's.
        CentreError: there is no answer of a centre.
        StorageError: the disk refused.
    """
    _require_no_place(data_dir)
    url, code = _address(url), _code(code)
    invited = credentials.invited(data_dir, url, code)
    said = _ask(Exchange(url, invited.token, ca_file=machine.ca_file), code, machine)
    place = Credentials(
        url=url,
        gate_id=said.gate_id,
        gate_name=said.gate_name,
        school_id=said.school_id,
        school=said.school,
        timezone=said.timezone,
        token=invited.token,
    )
    with reading(database) as conn:
        before = sync_queue.school(conn)
    if before not in ("", place.school_id) and not other_school:
        raise BadInput(
            f"The code is of {place.school!r}, and the records of this gate went to another school's centre so far. "
            "If it is right so, because the gate has moved or the centre was set up anew, run the same command again "
            "with --other-school: then everything that is on this gate is sent there."
        )
    with writing(database) as conn:
        if sync_queue.belong_to(conn, place.school_id):
            for feed in centre_cursors.Feed:
                centre_cursors.move(conn, feed, 0)
    credentials.save(data_dir, place)
    return Enrolment(place, said.students_wanted)


def leave(data_dir: Path) -> Credentials | None:
    """Give this gate's place up; which one it was, as far as that can be read. What was not sent stays queued.

    Raises:
        BadInput: it has none.
        StorageError: the disk refused.
    """
    try:
        place = credentials.load(data_dir)
    except StorageError:
        place = None
    if not credentials.forget(data_dir):
        raise BadInput("This gate is not enrolled at a centre.")
    return place


def _require_no_place(data_dir: Path) -> None:
    place = credentials.load(data_dir)
    if place is not None:
        raise BadInput(
            f"This gate is enrolled already: as {place.gate_name!r} of {place.school!r} at {place.url}. "
            "`attendance sync leave` gives that up."
        )


def _address(url: str) -> str:
    """As it is written down."""
    full = url.strip()
    return (full if "://" in full else f"https://{full}").rstrip("/")


def _code(code: str) -> str:
    """As one writes it who reads it from a screen once more: spaces, hyphens and case do not matter."""
    return "".join(code.split()).replace("-", "").upper()


def _ask(exchange: Exchange, code: str, machine: Machine) -> contact.Enrolled:
    """The centre's yes.

    Raises:
        BadInput: it says no, and why.
        CentreError: nobody says anything, or nobody that can be believed.
    """
    asked = {
        "code": code,
        "key_hash": exchange.key_hash,
        "device_id": machine.device_id,
        "device_name": machine.device_name,
        "version": machine.version,
        "model": machine.model,
    }
    reply = exchange.ask("POST", "/enrol", asked, deadline_s=machine.timeout_s, known=False)
    if not reply.ok:
        raise BadInput(f"{exchange.origin} does not enrol this gate: {reply.fault}.")
    return read(reply, contact.Enrolled)
