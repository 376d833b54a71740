"""``attendance fleet invite`` and ``attendance fleet gates``: which gates belong to a school."""

import argparse
import json

from attendance.cli.fleet_context import add_fleet_verb, gate_of, open_office, school_of


def add_verbs(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    verb = verbs.add_parser("invite", help="a one-time code with which a gate becomes one of the school's")
    verb.add_argument("--name", default="", metavar="GATE", help="what the gate is called here; default: its own name")
    verb.add_argument("--replaces", metavar="GATE", help="the new machine takes this gate's place and history")
    add_fleet_verb(verb, _invite, school=True)

    parser = verbs.add_parser("gates", help="list, rename and revoke gates")
    of_gates = parser.add_subparsers(dest="what", required=True, metavar="WHAT")

    verb = of_gates.add_parser("list", help="the school's gates and when they last called")
    verb.add_argument("--all", action="store_true", help="revoked ones too")
    verb.add_argument("--json", action="store_true")
    add_fleet_verb(verb, _list, school=True)

    verb = of_gates.add_parser("rename", help="call a gate something else")
    verb.add_argument("gate")
    verb.add_argument("name")
    add_fleet_verb(verb, _rename, school=True)

    verb = of_gates.add_parser("revoke", help="take nothing more from a gate, and send it nothing")
    verb.add_argument("gate")
    add_fleet_verb(verb, _revoke, school=True)


def _invite(args: argparse.Namespace) -> int:
    from attendance.fleet import invitations

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        replaced = gate_of(conn, school, args.replaces, revoked=True) if args.replaces else None
        code = invitations.invite(conn, school, args.name, replaced, office.actor, office.now)
    days = invitations.VALID_FOR.days
    print(code)
    print(f"It can be used once, within {days} days. At the gate: attendance sync enroll URL-OF-THIS-CENTRE {code}")
    if replaced and replaced.live:
        print(f"The machine that is {replaced.name} now is revoked at that moment.")
    return 0


def _list(args: argparse.Namespace) -> int:
    from attendance.fleet.store import gates

    with open_office(args) as office, office.reading() as conn:
        school = school_of(conn, args)
        known = gates.of_school(conn, school.school_id, revoked=args.all)
    rows = [
        {
            "gate_id": gate.gate_id,
            "name": gate.name,
            "device_id": gate.device_id,
            "version": gate.version,
            "model": gate.model,
            "enrolled_at": gate.enrolled_at.isoformat(),
            "last_contact_at": gate.last_contact_at.isoformat() if gate.last_contact_at else None,
            "revoked": not gate.live,
        }
        for gate in known
    ]
    if args.json:
        print(json.dumps(rows, ensure_ascii=False, indent=2))
        return 0
    for gate in known:
        seen = f"last call {gate.last_contact_at:%Y-%m-%d %H:%M} UTC" if gate.last_contact_at else "no call yet"
        print(f"{gate.name:24}  {gate.device_id:20}  {gate.version:10}  {seen if gate.live else 'revoked'}")
    print(f"{len(known)} gates at {school.name}.")
    return 0


def _rename(args: argparse.Namespace) -> int:
    from attendance.fleet.store import gates

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        gate = gate_of(conn, school, args.gate)
        gates.rename(conn, school.school_id, gate.gate_id, args.name)
        told = {"from": gate.name, "to": args.name}
        office.note(conn, school, "gate-renamed", gate.gate_id, told)
    print(f"{gate.name} is called {args.name}.")
    return 0


def _revoke(args: argparse.Namespace) -> int:
    from attendance.fleet.store import gates

    with open_office(args) as office, office.writing() as conn:
        school = school_of(conn, args)
        gate = gate_of(conn, school, args.gate)
        gates.revoke(conn, school.school_id, gate.gate_id, office.now)
        office.note(conn, school, "gate-revoked", gate.gate_id, {"name": gate.name})
    print(f"{gate.name} is revoked. What it has sent stays. A new invitation lets a machine take its place.")
    return 0
