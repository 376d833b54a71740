"""Which message leaves the simulated phone next, and when: order, limits and pauses of the app's worker.

Source: ``sendPendingMessages`` and ``applyLimit`` in ``MessagesService.kt`` of capcom6/android-sms-gateway.
"""

import random
from collections import deque
from collections.abc import Iterable

from attendance.sim.phone_messages import Message
from attendance.sim.phone_settings import PhoneSettings, ProcessingOrder

EXPEDITED = 100
"""The priority from which on a message waits for no limit and no pause, if that of the one before was lower."""
_LOWEST_PRIORITY = -128
_AFTER_LIMIT_S = 1.0


class Radio:
    """Times are nanoseconds on one steady clock.

    Attributes:
        free_ns: when the next message may be looked for.
    """

    def __init__(self, chance: random.Random) -> None:
        self.free_ns = 0
        self._chance = chance
        self._left_ns: deque[int] = deque()
        self._priority_before = _LOWEST_PRIORITY

    def next(self, waiting: Iterable[Message], order: ProcessingOrder) -> Message | None:
        """Whose turn it is: the highest priority, then the newest (LIFO) or the oldest."""
        sign = 1 if order is ProcessingOrder.LIFO else -1
        found = max(waiting, key=lambda each: (each.request.priority, sign * each.number), default=None)
        if found is None:
            self._priority_before = _LOWEST_PRIORITY
        return found

    def pause_s(self, message: Message, settings: PhoneSettings, now_ns: int) -> float:
        """How long the limit makes ``message`` wait.

        A full limit pauses for a whole period, and a second, after the last message: it is no sliding window.
        """
        period_s = settings.limit_s / settings.speed
        if not period_s or self._expedited(message):
            return 0.0
        while self._left_ns and self._left_ns[0] <= now_ns - period_s * 1e9:
            self._left_ns.popleft()
        if len(self._left_ns) < settings.limit_value:
            return 0.0
        return (self._left_ns[-1] - now_ns) / 1e9 + period_s + _AFTER_LIMIT_S / settings.speed

    def left(self, message: Message, settings: PhoneSettings, now_ns: int) -> None:
        """Count a message that leaves, and choose the pause after it."""
        pause_s = 0.0
        if settings.send_interval_max_s and not self._expedited(message):
            pause_s = self._chance.randint(settings.send_interval_min_s, settings.send_interval_max_s) / settings.speed
        self._left_ns.append(now_ns)
        self._priority_before = message.request.priority
        self.free_ns = now_ns + round(pause_s * 1e9)

    def _expedited(self, message: Message) -> bool:
        return message.request.priority >= EXPEDITED and message.request.priority > self._priority_before
