"""The thresholds of the face checks are the vision engine's own."""

from dataclasses import asdict

from attendance.config import Settings
from attendance.vision.quality import Thresholds


def test_configured_thresholds_are_those_of_the_face_checks() -> None:
    """Every threshold can be configured, under the engine's name and with its default."""
    assert Settings().vision.thresholds.model_dump() == asdict(Thresholds())
