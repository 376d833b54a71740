"""What becomes of a morning's messages under the limits, and what a message costs the gate.

    python bench/sms.py [--quick] [--json] [--only morning …] [--folder DIR]

A morning of 1,000 arrivals in half an hour is played on a clock that is moved by hand, against the simulated phone;
beside it the limits that the doctor advises, fewer kinds, the literal ``when_full: drop``, and what the earlier system
told. Then the outbox on this machine's disk: from the claim to the mark, beside the same in plain SQL, and with many
rows waiting.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from gate_process import ROOT

sys.path.insert(0, str(ROOT))

from robust.figures import Figure, block, table
from sending import morning, outbox
from sending.morning import Outcome

Row = Outcome | Figure
Part = Callable[[], list[Row]]


def parts(quick: bool, folder: Path | None) -> dict[str, Part]:
    """By name, in their order."""
    if quick:
        return {
            "morning": lambda: mornings(200),
            "throughput": lambda: list(outbox.throughput(150, 3, folder)),
            "claiming": lambda: list(outbox.claiming([100, 1_000, 3_000], 5, folder)),
        }
    return {
        "morning": lambda: mornings(1000),
        "throughput": lambda: list(outbox.throughput(3_000, 10, folder)),
        "claiming": lambda: list(outbox.claiming([100, 10_000, 100_000], 100, folder)),
    }


def mornings(arrivals: int) -> list[Row]:
    return [morning.play(plan) for plan in morning.plans(arrivals)]


def shown(rows: Sequence[Row]) -> str:
    """For people; under the mornings stands why messages ended untold."""
    outcomes = [row for row in rows if isinstance(row, Outcome)]
    if not outcomes:
        return table(row for row in rows if isinstance(row, Figure))
    title = "messages of a morning, the last tenth late; minutes from the first arrival"
    reasons = [f"{o.what}: {number:,} × {reason}" for o in outcomes for reason, number in o.reasons.items()]
    return "\n".join([block(title, morning.HEAD, map(morning.cells, outcomes)), *reasons])


def main() -> int:
    parser = argparse.ArgumentParser(description="What becomes of a morning's messages, and what a message costs.")
    parser.add_argument("--json", action="store_true", help="one object per morning and per figure")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    names = list(parts(True, None))
    parser.add_argument("--only", nargs="+", choices=names, metavar="PART", help=f"of {', '.join(names)}")
    parser.add_argument("--folder", type=Path, metavar="DIR", help="whose disk is measured; else the temporary files'")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    load_before = os.getloadavg()[0]
    for name, part in parts(args.quick, args.folder).items():
        if args.only and name not in args.only:
            continue
        rows = part()
        print("\n".join(json.dumps(row.plain()) for row in rows) if args.json else shown(rows) + "\n", flush=True)
    if not args.json:
        print(f"Load average of the minute before: {load_before:.2f} on {os.cpu_count()} processors.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
