"""The photo of a scan: the best face around the moment the card was read."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2

from attendance.vision.face import Face, FaceEngine
from attendance.vision.frames import Image
from attendance.vision.lookback import Candidate, Lookback
from attendance.vision.messages import Portrait, Verdict
from attendance.vision.quality import Assessment, Thresholds, assess, cheap_score, is_printed

NOBODY = "No face was seen. Look at the camera while you show your card."
_MESHED = 4
"""Frames of the lookback that the mesh looks at."""
_CLEARLY_BETTER = 5.0
"""Points by which a later face must win; less is not worth writing the photo again."""
_GOOD = 70.0
"""A face with all checks passed and this score ends the search."""
_COMMENT_MARKER = b"\xff\xfe"


@dataclass(frozen=True, slots=True)
class PhotoStyle:
    """How photos are kept: the whole frame, or the face with ``crop_padding`` and ``extra_top`` pixels around it."""

    save_full_frame: bool = True
    crop_padding: int = 40
    extra_top: int = 30
    jpeg_quality: int = 95


class PortraitSearch:
    """Looks back once, then forward until ``lookahead_ns`` after the sighting."""

    def __init__(
        self, verdict: Verdict, engine: FaceEngine, style: PhotoStyle, thresholds: Thresholds, lookahead_ns: int
    ) -> None:
        self._verdict = verdict
        self._engine = engine
        self._style = style
        self._thresholds = thresholds
        self._until_ns = verdict.boot_ns + lookahead_ns
        self._best: Assessment | None = None
        self._advice = ""
        self.done = False

    def look_back(self, lookback: Lookback) -> Portrait | None:
        """The best face of the seconds before, if it is usable."""
        found = None
        for candidate in lookback.best(self._verdict.boot_ns, _MESHED):
            found = self._consider(candidate, 0.0) or found
        return self._portrait(*found) if found else None

    def offer(self, image: Image, boot_ns: int, faces: Sequence[Face]) -> Portrait | None:
        """A frame after the sighting: a clearly better portrait, or the final word when the time is over."""
        if boot_ns > self._until_ns:
            return self.finish()
        if not faces:
            return None
        found = self._consider(Candidate(image, boot_ns, tuple(faces), 0.0), _CLEARLY_BETTER)
        return self._portrait(*found) if found else None

    def finish(self) -> Portrait:
        """No more frames: the empty final portrait, with the reason if none was usable."""
        self.done = True
        reason = "" if self._best else self._advice or NOBODY
        score = self._best.score if self._best else 0.0
        return Portrait(self._verdict.sighting_id, True, reason, score, self._verdict.boot_ns)

    def _consider(self, candidate: Candidate, margin: float) -> tuple[Candidate, Face, Assessment] | None:
        """The candidate's student, if that is the best usable face so far."""
        faces = [face for face in candidate.faces if not is_printed(face, self._verdict.corners)]
        if not faces:
            return None
        face = max(faces, key=lambda f: cheap_score(candidate.image, f))
        others = [other for other in faces if other is not face]
        mesh = self._engine.mesh(candidate.image, face)
        assessment = assess(candidate.image, face, others, mesh, self._thresholds)
        if not assessment.usable:
            self._advice = self._advice or assessment.advice
            return None
        if self._best is not None and assessment.score < self._best.score + margin:
            return None
        self._best = assessment
        return candidate, face, assessment

    def _portrait(self, candidate: Candidate, face: Face, assessment: Assessment) -> Portrait:
        good = assessment.score >= _GOOD and not assessment.advice
        self.done = self.done or good
        jpeg = with_comment(_encode(candidate.image, face, self._style), self._verdict.comment)
        return Portrait(
            self._verdict.sighting_id, self.done, "", assessment.score, candidate.boot_ns, assessment.checks, jpeg
        )


def _encode(image: Image, face: Face, style: PhotoStyle) -> bytes:
    if not style.save_full_frame:
        height, width = image.shape[:2]
        pad = style.crop_padding
        left, top = max(0, int(face.x) - pad), max(0, int(face.y) - pad - style.extra_top)
        right = min(width, math.ceil(face.x + face.width) + pad)
        bottom = min(height, math.ceil(face.y + face.height) + pad)
        if right > left and bottom > top:
            image = image[top:bottom, left:right]
    _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, style.jpeg_quality])
    return bytes(jpeg)


def with_comment(jpeg: bytes, comment: str) -> bytes:
    """The JPEG with ``comment`` in a comment segment right after its start (ITU-T T.81, B.2.4.5)."""
    text = comment.encode()
    if not text:
        return jpeg
    return jpeg[:2] + _COMMENT_MARKER + (len(text) + 2).to_bytes(2, "big") + text + jpeg[2:]
