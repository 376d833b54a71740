"""What the tests of the gate share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from report_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path)
    yield desk
    for receiver in desk.receivers:
        receiver.stop()
