"""``attendance sim``: make what a gate would see, and the phone that it sends messages with."""

import argparse
import json
from pathlib import Path

from attendance.cli.context import add_options, open_context
from attendance.cli.sim_phone import add_phone

_MOST_FPS = 240
"""What fast cameras give; far more would fill the disk."""


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser("sim", help="simulators")
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verb = verbs.add_parser("video", help="record a video of students who pass a gate, with what must be found in it")
    verb.add_argument("out", type=Path, metavar="OUT.avi")
    verb.add_argument("--students", type=Path, metavar="CSV", help="a list of students (default: an invented school)")
    verb.add_argument("--count", type=int, default=10, help="how many of them pass (default 10)")
    verb.add_argument(
        "--damage", action="append", default=[], metavar="NAME", help="as blur or low_light; several in turn"
    )
    verb.add_argument("--seed", type=int, default=1)
    verb.add_argument("--fps", type=float, default=30.0)
    add_options(verb)
    verb.set_defaults(run=_video)
    add_phone(verbs)


def _video(args: argparse.Namespace) -> int:
    from attendance.errors import BadInput
    from attendance.reports.student_list import read_students
    from attendance.sim.gate_camera import Passer
    from attendance.sim.school import invent
    from attendance.sim.video import one_after_another, record
    from attendance.vision.assets import find

    if args.seed < 0 or not 1 <= args.fps <= _MOST_FPS:
        raise BadInput(
            f"--seed {args.seed} and --fps {args.fps:g} make no video: a seed is 0 or more, fps is 1 to {_MOST_FPS}."
        )
    context = open_context(args)
    if args.students:
        region = context.settings.school.phone_region
        people = [
            (s.student_id, s.name, s.section) for s in read_students(args.students, region, context.sessions).enrolments
        ]
    else:
        people = [(s.student_id, f"{s.last_name}, {s.first_name}", s.section) for s in invent(args.count, args.seed)]
    if not people or args.count < 1:
        raise BadInput("Nobody would pass: the list is empty or --count is below 1.")
    passers = [
        Passer(number, name, number, section, i) for i, (number, name, section) in enumerate(people[: args.count])
    ]
    passages = one_after_another(passers)
    portrait = find(context.paths.assets).portrait
    length_s = record(args.out, passages, portrait=portrait, damages=args.damage, seed=args.seed, fps=args.fps)
    expected = [{"payload": p.passer.payload, "start_s": round(p.start_s, 3)} for p in passages]
    listing = args.out.with_suffix(".expected.json")
    listing.write_text(json.dumps(expected, indent=2) + "\n")
    print(f"{len(passages)} passages in {length_s:.1f} s: {args.out}, expected: {listing}")
    return 0
