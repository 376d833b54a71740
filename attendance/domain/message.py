"""What a guardian is told, and about whom; the words are made where it is sent."""

from enum import StrEnum

from attendance.domain.scan import Accepted, Direction, Status


class MessageKind(StrEnum):
    CHECK_IN = "check_in"
    CHECK_OUT = "check_out"
    LATE_ARRIVAL = "late_arrival"


def kind_of(scan: Accepted) -> MessageKind:
    """The message an accepted scan calls for."""
    if scan.direction is Direction.OUT:
        return MessageKind.CHECK_OUT
    return MessageKind.LATE_ARRIVAL if scan.status is Status.LATE else MessageKind.CHECK_IN
