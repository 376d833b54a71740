"""The demo gate under the watch: how long a student waits, and what the two processes cost.

    python bench/gate.py [--quick] [--seconds 60] [--frames 20000] [--json]

Part one plays the demo gate in real time: the first readable frame's time (`boot_ns` of the row) against the commit and
the photo as they become visible to a second reader of the database (polled every 2 ms), and against the screen's event.
Part two plays a recorded video through the gate without pacing: frames a second, and memory over many frames.
"""

import argparse
import json
import sqlite3
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from gate_process import ASSETS, ROOT, Gate

sys.path.insert(0, str(ROOT))

from attendance.sim.gate_camera import Passer
from attendance.sim.video import one_after_another, record
from attendance.vision.assets import ensure

_POLL_S = 0.002
_PASSERS = 5


def _now_ns() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME)


def waits(gate: Gate, seconds: float) -> dict[str, list[float]]:
    """Milliseconds from the first readable frame to each thing that follows, for the scans of so many seconds."""
    shown: dict[str, int] = {}
    threading.Thread(target=_listen, args=(gate.port, shown), daemon=True).start()
    committed: dict[str, tuple[int, int]] = {}
    pictured: dict[str, int] = {}
    conn = sqlite3.connect(f"file:{gate.database}?mode=ro", uri=True)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for scan_id, boot_ns in conn.execute("SELECT scan_id, boot_ns FROM attendance"):
            committed.setdefault(scan_id, (boot_ns, _now_ns()))
        for (scan_id,) in conn.execute("SELECT scan_id FROM photos WHERE path IS NOT NULL"):
            pictured.setdefault(scan_id, _now_ns())
        time.sleep(_POLL_S)
    conn.close()
    frame = {scan_id: boot_ns for scan_id, (boot_ns, _) in committed.items()}
    return {
        "frame_to_row_ms": [(at - boot_ns) / 1e6 for boot_ns, at in committed.values()],
        "frame_to_photo_ms": [(at - frame[s]) / 1e6 for s, at in pictured.items() if s in frame],
        "frame_to_screen_ms": [(at - frame[s]) / 1e6 for s, at in shown.items() if s in frame],
    }


def _listen(port: int, shown: dict[str, int]) -> None:
    """Note when the screen hears of each scan."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/events", timeout=30) as stream:
            for line in stream:
                if line.startswith(b"data:"):
                    event = json.loads(line[5:])
                    if event["kind"] == "scan" and event["scan_id"]:
                        shown.setdefault(event["scan_id"], _now_ns())
    except OSError:
        return  # the gate has ended


def live(folder: Path, assets: Path, seconds: float) -> dict[str, Any]:
    """Part one."""
    gate = Gate(folder, assets, "--demo")
    try:
        time.sleep(2.0)
        processes = gate.processes()
        for process in processes.values():
            process.cpu_percent()
        figures: dict[str, Any] = {name: _percentiles(values) for name, values in waits(gate, seconds).items()}
        for name, process in processes.items():
            figures[f"{name}_cpu_percent"] = round(process.cpu_percent(), 1)
            figures[f"{name}_rss_mb"] = round(process.memory_info().rss / 1e6, 1)
        return figures
    finally:
        gate.stop()


def fast(folder: Path, assets: Path, frames: int) -> dict[str, Any]:
    """Part two: one long video, as fast as the vision process can."""
    video = folder / "gate.avi"
    people = [Passer(f"2026-{n:04}", "Cruz, Juan", f"{n}", "7-Narra", n) for n in range(1, _PASSERS + 1)]
    repeats = max(1, round(frames / 30 / (_PASSERS * 3.7)))
    record(video, one_after_another(people * repeats), portrait=ensure(assets, demo=True, progress=_quiet).portrait)
    gate = Gate(folder, assets, "--demo", "--source", f"video:{video}", "--fast", "--headless", "--exit-at-end")
    try:
        return _watched(gate)
    finally:
        video.unlink()
        gate.stop()


def _watched(gate: Gate) -> dict[str, Any]:
    """Memory while the video plays, and its speed as the vision process tells it."""
    processes: dict[str, psutil.Process] = {}
    rss: dict[str, list[float]] = {"core": [], "vision": []}
    speeds: list[float] = []
    while gate.process.poll() is None:
        try:
            processes = processes if len(processes) == 2 else gate.processes()
            for name, process in processes.items():
                rss[name].append(process.memory_info().rss / 1e6)
            speeds.append(_fps(gate.port))
        except (psutil.NoSuchProcess, OSError):
            pass  # the gate is about to end
        time.sleep(0.25)
    figures: dict[str, Any] = {"vision_fps": _percentiles([speed for speed in speeds if speed > 0])}
    for name, values in rss.items():
        begin = values[len(values) // 5] if values else 0.0
        figures[f"{name}_rss_growth_mb"] = round(values[-1] - begin, 1) if values else None
        figures[f"{name}_rss_fast_mb"] = round(max(values, default=0.0), 1)
    return figures


def _fps(port: int) -> float:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
        return _find_fps(json.load(answer))


def _find_fps(value: Any) -> float:
    if isinstance(value, dict):
        return float(value["fps"]) if "fps" in value else max(map(_find_fps, value.values()), default=0.0)
    return 0.0


def _percentiles(values: list[float]) -> dict[str, float]:
    if not values:
        return {"n": 0}
    return {"n": len(values), **{f"p{p}": round(float(np.percentile(values, p)), 1) for p in (50, 95, 99)}}


def _quiet(line: str) -> None:
    """Nobody waits for the assets here."""


def main() -> int:
    parser = argparse.ArgumentParser(description="The demo gate's waiting times, speed and memory.")
    parser.add_argument("--seconds", type=float, default=60.0, help="of the demo gate")
    parser.add_argument("--frames", type=int, default=20_000, help="of the video that is played fast")
    parser.add_argument("--assets", type=Path, default=ASSETS, metavar="DIR")
    parser.add_argument("--json", action="store_true", help="one object")
    parser.add_argument("--quick", action="store_true", help="few seconds and frames: to see that it works")
    args = parser.parse_args()
    seconds, frames = (12.0, 600) if args.quick else (args.seconds, args.frames)
    ensure(args.assets, demo=True, progress=_quiet)
    figures: dict[str, Any] = {}
    for part, amount in ((live, seconds), (fast, frames)):
        with tempfile.TemporaryDirectory() as folder:
            figures |= part(Path(folder), args.assets, amount)  # type: ignore[operator]
    if args.json:
        print(json.dumps(figures))
    else:
        for name, value in figures.items():
            text = "  ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else value
            print(f"{name:24} {text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
