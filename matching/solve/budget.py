"""Who watches over a search: how long it may take, whether somebody wants it to end, and who is told how it goes."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

Answer = TypeVar("Answer")
Ended = Literal["", "time limit", "cancelled"]

_LOOK_EVERY_S = 0.05
_BESIDE = "search beside"


def _nobody(words: str) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Budget:
    """What a search asks now and then.

    Attributes
    ----------
    deadline : float
        When the search has to end, on the monotonic clock.
    cancel : threading.Event
        Set by whoever wants the search to end now with what it has.
    report : callable
        Told in words what is being done.
    limit_s : float
        How long the whole search may take: what is tried may depend on it, and not on how fast the machine is.
    """

    deadline: float
    cancel: threading.Event = field(default_factory=threading.Event)
    report: Callable[[str], None] = _nobody
    limit_s: float = math.inf
    _cut: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(
        cls, time_limit_s: float, report: Callable[[str], None] = _nobody, cancel: threading.Event | None = None
    ) -> "Budget":
        """A watch over a search that begins now."""
        return cls(time.monotonic() + time_limit_s, cancel or threading.Event(), report, time_limit_s)

    def remaining_s(self) -> float:
        """Seconds that are left; none once somebody has cancelled."""
        return 0.0 if self.cancel.is_set() else max(0.0, self.deadline - time.monotonic())

    def share(self, part: float) -> "Budget":
        """The same for a search that may take a part of what is left."""
        return replace(self, deadline=time.monotonic() + part * self.remaining_s())

    def separate(self) -> "Budget":
        """The same for a search whose answer may not be wanted: it is ended by itself, and its end says nothing."""
        return replace(self, cancel=threading.Event(), _cut=threading.Event())

    def cancelled(self) -> bool:
        """Whether somebody wants the search to end now; then it is noted as cut short."""
        if self.cancel.is_set():
            self.cut_short()
        return self.cancel.is_set()

    def cut_short(self) -> None:
        """Note that some search ended before it was done."""
        self._cut.set()

    @property
    def ended(self) -> Ended:
        """What ended the search, where it was not done; machines differ in how far they come by then."""
        if not self._cut.is_set():
            return ""
        return "cancelled" if self.cancel.is_set() else "time limit"

    def within(self, search: Callable[[], Answer]) -> Answer | None:
        """The answer of a search, or None where it does not come in time.

        The search runs beside, so that neither a slow end nor a cancellation has to wait for a library that cannot be
        interrupted; what it still does is nobody's concern.
        """
        answers: list[Answer] = []
        faults: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(search())
            except BaseException as fault:  # handed on to whoever waits
                faults.append(fault)

        beside = threading.Thread(target=run, name=_BESIDE, daemon=True)
        beside.start()
        while beside.is_alive() and self.remaining_s() > 0:
            beside.join(_LOOK_EVERY_S)
        if faults:
            raise faults[0]
        if answers:
            return answers[0]
        self.cut_short()
        return None


def is_search_left() -> bool:
    """Whether a search that nobody waits for any more is still running beside."""
    return any(thread.name == _BESIDE for thread in threading.enumerate())
