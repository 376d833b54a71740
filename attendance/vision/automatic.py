"""``auto``: the first camera that gives pictures."""

from collections.abc import Callable, Iterable

from attendance.vision.frames import Frame, Source, SourceLost


class FirstCamera:
    """Tries one candidate a ``read``, so that a search among many devices never stops the loop; then is that camera.

    Args:
        candidates: open a camera each, the preferred one first.
    """

    live = True

    def __init__(self, candidates: Iterable[Callable[[], Source]]) -> None:
        self._candidates = iter(candidates)
        self._camera: Source | None = None
        self._proven = False
        self.name = "auto"

    def read(self) -> Frame | None:
        """The next frame; None while the search goes on.

        Raises:
            SourceLost: no candidate gives pictures, or the one that did does no more.
        """
        if self._camera is None:
            self._open_next()
            return None
        try:
            frame = self._camera.read()
        except SourceLost:
            if self._proven:
                raise
            self.close()
            return None
        if frame is not None:
            self._proven, self.name = True, self._camera.name
        return frame

    def close(self) -> None:
        if self._camera is not None:
            self._camera.close()
            self._camera = None

    def _open_next(self) -> None:
        candidate = next(self._candidates, None)
        if candidate is None:
            raise SourceLost("Neither a Raspberry Pi camera nor a USB camera was found.")
        try:
            self._camera = candidate()
        except SourceLost:
            return
