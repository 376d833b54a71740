"""The address at which a gate with a one-time code becomes one of a school's."""

import logging
import math
from typing import Any

from attendance.domain import contact
from attendance.errors import BadInput
from attendance.fleet import commands, invitations
from attendance.fleet.store import audit, gates, invites
from attendance.fleet.store.engine import transaction
from attendance.fleet.web.calls import Address, Call
from attendance.fleet.web.refusals import Refusal

_LIMIT_BYTES = 8 * 1024

log = logging.getLogger(__name__)


def enrol(call: Call[contact.Enrol]) -> contact.Enrolled:
    """The place of the gate; the same machine may ask again, for an answer that was lost."""
    _wait_for_turn(call)
    said = call.body
    machine = gates.Machine(said.device_id, said.key_hash, said.version, said.model)
    try:
        with transaction(call.centre.engine) as conn:
            place = invites.accept(conn, invitations.as_meant(said.code), machine, call.now)
            gate = gates.get(conn, place.school_id, place.gate_id)
            if gate is None:
                raise BadInput("The gate was removed meanwhile. Ask for a new code.")
            if not place.again:
                commands.drop(conn, gate, call.now)
                told = {"name": gate.name, "device_id": gate.device_id, "model": gate.model, "from": call.peer}
                audit.note(conn, gate.school_id, "gate", "enrolled", gate.gate_id, told, call.now)
    except invites.CodeUnknown as error:
        raise Refusal(403, "wrong-code", str(error)) from error
    except invites.CodeUsed as error:
        raise Refusal(409, "used-code", str(error)) from error
    except BadInput as error:
        raise Refusal(409, "taken", str(error)) from error
    call.centre.guesses.right(*_guesser(call))
    log.info("gate %s enrolled at school %s", gate.gate_id, gate.school_id)
    return contact.Enrolled(
        gate_id=gate.gate_id,
        school_id=gate.school_id,
        school=gate.school,
        timezone=gate.timezone,
        gate_name=gate.name,
        students_wanted=place.students_wanted,
    )


def _wait_for_turn(call: Call[contact.Enrol]) -> None:
    wait_s = math.ceil(call.centre.guesses.turn(*_guesser(call)))
    if wait_s:
        raise Refusal(429, "slow-down", f"Too many codes were tried from here. Try again in {wait_s} s.", wait_s)


def _guesser(call: Call[Any]) -> tuple[str, str]:
    """Codes belong to nobody, so that a guess counts against where it comes from, and against nobody else."""
    return f"enrol {call.peer}", call.peer


ADDRESSES = (
    Address(
        "POST",
        "/enrol",
        "Turn a one-time code into a place at a school.",
        enrol,
        contact.Enrolled,
        body=contact.Enrol,
        limit_bytes=_LIMIT_BYTES,
        refuses=(403, 409, 429),
        for_gates=False,
        signed_for=lambda said: said.key_hash,
    ),
)
