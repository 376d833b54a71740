"""``python -m attendance.vision.check SOURCE``: one picture from a source, for ``attendance doctor``."""

import sys

from attendance.clock import boot_ns
from attendance.errors import AttendanceError
from attendance.vision import camera
from attendance.vision.frames import Source, SourceEnded, SourceLost
from attendance.vision.opencv_camera import quiet_opencv

_WAIT_S = 8.0


def main(source: str) -> int:
    """Print the size of the first picture; 1 and the reason when there is none."""
    quiet_opencv()
    plan = camera.CameraPlan(source, 640, 480, 30.0, None, True, 0, False, (), _no_demo)
    try:
        opened = camera.open_source(plan)
    except (AttendanceError, SourceLost) as error:
        print(error, file=sys.stderr)
        return 1
    deadline = boot_ns() + round(_WAIT_S * 1e9)
    try:
        while boot_ns() < deadline:
            frame = opened.read()
            if frame is not None:
                height, width = frame.image.shape[:2]
                print(f"{opened.name} gives pictures of {width}×{height}")
                return 0
    except (SourceEnded, SourceLost) as error:
        print(error or "no picture", file=sys.stderr)
        return 1
    finally:
        opened.close()
    print(f"no picture within {_WAIT_S:.0f} s", file=sys.stderr)
    return 1


def _no_demo() -> Source:
    raise SourceLost("the demo needs no camera")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
