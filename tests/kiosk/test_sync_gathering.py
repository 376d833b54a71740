"""How often a gate asks its centre."""

import pytest

from attendance.kiosk.sync.courier import gathering_s


@pytest.mark.parametrize(("took_s", "rest_s"), [(0.0, 2.0), (0.05, 2.0), (0.2, 6.0), (1.0, 30.0), (60.0, 30.0)])
def test_a_centre_that_answers_slowly_is_asked_less_often(took_s: float, rest_s: float) -> None:
    """Two seconds while it is quick; half a minute at most, so that pages stay live."""
    assert gathering_s(took_s) == pytest.approx(rest_s)
