"""What must be so in the end, whatever happened: the centre has what the gates have."""

import hashlib
from collections.abc import Sequence

from centre_process import CentreOnAPort
from queueing_gate import QueueingGate


def agree(centre: CentreOnAPort, gates: Sequence[QueueingGate]) -> None:
    """Register and ledgers, number by number; heads complete, the chains whole, every picture there, nothing dead."""
    ledgers = [gate.register() for gate in gates]
    assert centre.register() == {scan_id: row for ledger in ledgers for scan_id, row in ledger.items()}
    assert centre.heads() == {head: last for gate in gates for head, last in gate.heads().items()}
    assert [gate.dead() for gate in gates] == [[] for _ in gates]
    assert centre.count("dead letters") == 0
    taken = {photo.read_bytes() for gate in gates for photo in gate.folder.glob("*.jpg")}
    assert set(centre.photos().values()) == taken
    assert set(centre.photos()) == {hashlib.sha256(photo).hexdigest() for photo in taken}
