"""The vision process: the part of the gate that may hang, leak or crash, and is then replaced.

Started by the core with one end of a socket pair, on which it speaks ``vision.messages``. It ends when the core closes
the pipe or dies. One thread: what blocks the camera's driver blocks the beat, and that is the point.
"""

import argparse
import faulthandler
import json
import signal
import sys
from contextlib import closing
from dataclasses import fields
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

from attendance.clock import from_rfc3339
from attendance.vision import assets, camera, face
from attendance.vision.frames import Source
from attendance.vision.loop import Plan, Stopped, VisionLoop
from attendance.vision.opencv_camera import quiet_opencv
from attendance.vision.parent import die_with_parent
from attendance.vision.portrait import PhotoStyle
from attendance.vision.quality import Thresholds
from attendance.vision.watch import CameraWatch

T = TypeVar("T")


def main() -> int:
    args = _parser().parse_args()
    faulthandler.enable()
    die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        signal.signal(signal.SIGTERM, _terminated)
        quiet_opencv()
        plan = _camera_plan(args)
        with Connection(args.fd) as pipe, closing(CameraWatch(lambda: camera.open_source(plan))) as watch:
            VisionLoop(pipe, watch, face.open_engine(assets.find(args.assets)), _plan(args)).run()
    except Stopped:
        pass
    return 0


def _plan(args: argparse.Namespace) -> Plan:
    return Plan(
        args.lookback_s,
        args.lookahead_s,
        args.card_gone_s,
        _options(PhotoStyle, args.photo),
        _options(Thresholds, args.thresholds),
    )


def _camera_plan(args: argparse.Namespace) -> camera.CameraPlan:
    def demo() -> Source:
        from attendance.sim.gate_camera import DemoSource  # drawn only for the demo

        return DemoSource(json.loads(args.demo_students), assets.find(args.assets).portrait)

    return camera.CameraPlan(
        source=args.source,
        width=args.width,
        height=args.height,
        fps=args.fps,
        at=args.at,
        fast=args.fast,
        index=args.index,
        opencv_only=args.opencv_only == "true",
        picamera_options=json.loads(args.picamera_options),
        demo=demo,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="attendance.vision.worker", description="Started by the gate, not by hand.")
    parser.add_argument("--fd", type=int, required=True)
    parser.add_argument("--source", required=True)
    parser.add_argument("--assets", type=Path, required=True)
    parser.add_argument("--at", type=from_rfc3339)
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--fps", type=float, default=30.0)
    parser.add_argument("--index", type=int, default=0)
    parser.add_argument("--opencv-only", default="false")
    parser.add_argument("--picamera-options", default="[]")
    parser.add_argument("--lookback-s", type=float, default=2.0)
    parser.add_argument("--lookahead-s", type=float, default=0.5)
    parser.add_argument("--card-gone-s", type=float, default=2.0)
    parser.add_argument("--photo", default="{}")
    parser.add_argument("--thresholds", default="{}")
    parser.add_argument("--demo-students", default="[]")
    return parser


def _options(kind: type[T], text: str) -> T:
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    return kind(**{name: value for name, value in json.loads(text).items() if name in known})


def _terminated(number: int, stack: object) -> None:
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
