"""QR engines side by side on the same frames: what they read, and what a frame costs them.

    python bench/scan.py [--quick] [--images DIR] [--json]

Every engine sees the same BGR frames on one thread. The schedule (the gate's own reader) is shown each picture until it
has run through; the others see it once, because they do the same every time. The empty frames are the pictures without
a code or, where there are none, the empty gate.
"""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import zxingcpp

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from attendance.sim.cards import card_image  # noqa: E402
from attendance.sim.damage import DAMAGES  # noqa: E402
from attendance.sim.gate_camera import GateScene  # noqa: E402
from attendance.vision.frames import Image  # noqa: E402
from attendance.vision.qr import QrReader  # noqa: E402

_PICTURES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"})
_QR = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode])

Read = Callable[[Image], set[str]]


@dataclass(frozen=True, slots=True)
class Picture:
    """A frame to show; ``text`` is what its code says, ``None`` where there is no code."""

    image: Image
    text: str | None


@dataclass(frozen=True, slots=True)
class Engine:
    """A way to read codes; ``start`` gives a fresh reader, ``frames`` says how often it must see one picture."""

    name: str
    start: Callable[[], Read]
    frames: int = 1


@dataclass(frozen=True, slots=True)
class Row:
    """What one engine did. Times in ms a frame; ``ms_empty`` on frames without a code.

    Attributes:
        found: pictures whose text was read, of ``of``.
        wrong: pictures with a code from which another text was read, and not the right one.
        false_alarms: pictures without a code from which something was read.
    """

    engine: str
    found: int
    of: int
    wrong: int
    false_alarms: int
    empty_pictures: int
    ms_p50: float
    ms_p95: float
    ms_empty_mean: float
    ms_empty_p50: float
    ms_empty_p95: float


def engines() -> Iterator[Engine]:
    """The gate's reader first, then what it is compared with; pyzbar only where its library is installed."""
    yield Engine("schedule", _schedule, QrReader.schedule_length)
    yield Engine("zxing-cpp downscale pass", lambda: _zxing(try_rotate=False, try_invert=False))
    yield Engine("zxing-cpp defaults", _zxing)
    try:
        from pyzbar import pyzbar
    except ImportError as error:
        print(f"pyzbar is left out: {error}. Install libzbar0 to compare with it.", file=sys.stderr)
    else:
        symbols = [pyzbar.ZBarSymbol.QRCODE]
        yield Engine("pyzbar", lambda: lambda image: {_text(c.data) for c in pyzbar.decode(image, symbols=symbols)})
    yield Engine("cv2.QRCodeDetector", _opencv)


def _schedule() -> Read:
    reader = QrReader()
    return lambda image: {_text(code.payload) for code in reader.read(image)}


def _zxing(**options: bool) -> Read:
    """zxing-cpp on the grey picture, which it is given as the gate's reader makes it."""

    def read(image: Image) -> set[str]:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        found = zxingcpp.read_barcodes(grey, formats=_QR, text_mode=zxingcpp.TextMode.Plain, **options)
        return {_text(bytes(code.bytes)) for code in found if code.bytes}

    return read


def _opencv() -> Read:
    detector = cv2.QRCodeDetector()

    def read(image: Image) -> set[str]:
        try:
            _, texts, _, _ = detector.detectAndDecodeMulti(image)
        except (cv2.error, UnicodeDecodeError):  # it asserts on some pictures
            return set()
        return {text.strip() for text in texts if text}

    return read


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", "replace").strip()


def measure(engine: Engine, pictures: Sequence[Picture], idle: Sequence[float]) -> Row:
    """Show an engine the pictures, each until it is read or was shown ``frames`` times."""
    found = wrong = alarms = 0
    took: list[float] = []
    for picture in pictures:
        read, seen = engine.start(), set[str]()
        for _ in range(engine.frames):
            seen |= _timed(read, picture.image, took)
            if picture.text in seen:
                break
        found += picture.text is not None and picture.text in seen
        wrong += picture.text is not None and picture.text not in seen and bool(seen)
        alarms += picture.text is None and bool(seen)
    of = sum(picture.text is not None for picture in pictures)
    times = (round(value, 3) for value in (*_percentiles(took), _mean(idle), *_percentiles(idle)))
    return Row(engine.name, found, of, wrong, alarms, len(pictures) - of, *times)


def idle_times(compared: Sequence[Engine], frames: Sequence[Image]) -> list[list[float]]:
    """Each engine's times on frames without a code; in turns, so that a busy machine slows all alike."""
    readers = [engine.start() for engine in compared]
    times: list[list[float]] = [[] for _ in compared]
    length = QrReader.schedule_length
    for begin in range(0, len(frames), length):
        for read, took in zip(readers, times, strict=True):
            for image in frames[begin : begin + length]:
                _timed(read, image, took)
    return times


def _mean(times: Sequence[float]) -> float:
    """The median of the means over one whole schedule each: every pass has its share, a hiccup has none."""
    length = QrReader.schedule_length
    return float(np.median([statistics.mean(times[i : i + length]) for i in range(0, len(times), length)]))


def _timed(read: Read, image: Image, took: list[float]) -> set[str]:
    begin = time.perf_counter_ns()
    texts = read(image)
    took.append((time.perf_counter_ns() - begin) / 1e6)
    return texts


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    return float(np.percentile(values, 50)), float(np.percentile(values, 95))


def synthetic(per_damage: int, seed: int) -> list[Picture]:
    """Cards in front of the gate's wall, each kind of damage ``per_damage`` times; sizes and places differ."""
    rng = np.random.default_rng(seed)
    wall = GateScene(None, seed).draw([])
    pictures = []
    for name, damage in DAMAGES.items():
        for number in range(per_damage):
            text = f"2026-{name}-{number:03}"
            card = card_image(text, "Cruz, Juan", f"{number}", "7-Narra")
            factor = rng.uniform(0.35, 0.9)
            card = cv2.resize(card, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
            image = wall.copy()
            top = int(rng.integers(0, image.shape[0] - card.shape[0]))
            left = int(rng.integers(0, image.shape[1] - card.shape[1]))
            image[top : top + card.shape[0], left : left + card.shape[1]] = card
            pictures.append(Picture(damage(image, rng), text))
    return pictures


def empty_frames(count: int, seed: int) -> list[Image]:
    """The gate with nobody there."""
    scene = GateScene(None, seed)
    return [scene.draw([]) for _ in range(count)]


def from_folder(folder: Path) -> list[Picture]:
    """Every picture below a folder, its text from the ``.txt`` beside it. What cannot be read is named and skipped."""
    pictures = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in _PICTURES):
        image = cv2.imread(str(path), cv2.IMREAD_COLOR)
        if image is None:
            print(f"{path} is no picture that can be read; it is skipped.", file=sys.stderr)
            continue
        beside = path.with_suffix(".txt")
        text = beside.read_bytes().decode("utf-8", "replace").strip() if beside.is_file() else None
        pictures.append(Picture(image, text))
    return pictures


def table(rows: Sequence[Row]) -> str:
    """For people: the cost is told as multiples of the single downscale pass, too."""
    unit = next((row.ms_empty_mean for row in rows if row.engine == "zxing-cpp downscale pass"), float("nan"))
    lines = [
        f"{'engine':26}{'recall':>12}{'wrong':>7}{'alarms':>8}{'ms p50':>9}{'p95':>9}"
        f"{'empty p50':>11}{'p95':>9}{'mean':>9}{'ratio':>8}"
    ]
    for row in rows:
        lines.append(
            f"{row.engine:26}{f'{row.found}/{row.of}':>12}{row.wrong:7}{row.false_alarms:8}{row.ms_p50:9.2f}{row.ms_p95:9.2f}"
            f"{row.ms_empty_p50:11.2f}{row.ms_empty_p95:9.2f}{row.ms_empty_mean:9.2f}{row.ms_empty_mean / unit:8.2f}"
        )
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description="QR engines side by side on the same frames.")
    parser.add_argument("--images", type=Path, metavar="DIR", help="pictures instead of drawn frames")
    parser.add_argument("--json", action="store_true", help="one object per engine")
    parser.add_argument("--quick", action="store_true", help="few frames: to see that it works")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    cv2.setNumThreads(1)
    if args.images and not args.images.is_dir():
        parser.error(f"{str(args.images)!r} is no folder. Name one with pictures in it.")
    pictures = from_folder(args.images) if args.images else synthetic(2 if args.quick else 40, args.seed)
    if not pictures:
        parser.error(f"There is no picture below {str(args.images)!r}.")
    none = [p.image for p in pictures if p.text is None]
    empty = [image for image in none for _ in range(QrReader.schedule_length)]
    empty = empty or empty_frames(20 if args.quick else 300, args.seed)
    compared = list(engines())
    rows = [measure(e, pictures, idle) for e, idle in zip(compared, idle_times(compared, empty), strict=True)]
    if args.json:
        print("\n".join(json.dumps(asdict(row)) for row in rows))
    else:
        print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
