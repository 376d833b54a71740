"""What the five features of robustness cost, and what they hold, beside the limits that were set for them.

    python bench/robustness.py [--quick] [--json] [--only memory …]

Shows every number beside the limit of the user's document, the figure of the only earlier implementation (measured on
another machine) and, where there is one, a peer that is measured in the same run. Needs nothing but this machine; on a
busy one compare the ratios only.
"""

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator

from gate_process import ASSETS, ROOT

sys.path.insert(0, str(ROOT))

from robust import copying, counting, footprint, serving
from robust.figures import Figure, table

from attendance.vision.assets import ensure

Part = Callable[[], Iterator[Figure]]


def parts(quick: bool) -> dict[str, Part]:
    """By name, in their order: first what a busy machine disturbs most."""
    if quick:
        return {
            "footprint": lambda: footprint.figures(idle_s=1),
            "counting": lambda: counting.figures(calls=2_000),
            "copying": lambda: copying.figures([3], times=1),
            "serving": lambda: serving.figures([2_000], seconds=0.1),
        }
    return {
        "footprint": lambda: footprint.figures(idle_s=30),
        "counting": lambda: counting.figures(calls=50_000),
        "copying": lambda: copying.figures([15, 150], times=3),
        "serving": lambda: serving.figures([1_250, 50_000], seconds=3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description="What the five features of robustness cost and hold.")
    parser.add_argument("--json", action="store_true", help="one object per figure")
    parser.add_argument("--quick", action="store_true", help="little of everything: to see that it works")
    parser.add_argument("--only", nargs="+", choices=parts(True), metavar="PART", help=f"of {', '.join(parts(True))}")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    ensure(ASSETS, demo=True, progress=lambda line: None)
    load_before = os.getloadavg()[0]
    chosen = [part for name, part in parts(args.quick).items() if not args.only or name in args.only]
    for part in chosen:
        figures = list(part())
        print(
            "\n".join(json.dumps(figure.plain()) for figure in figures) if args.json else table(figures) + "\n",
            flush=True,
        )
    if not args.json:
        print(f"Load average of the minute before: {load_before:.2f} on {os.cpu_count()} processors.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
