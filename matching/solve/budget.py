"""The budget of a search: its time limit, whether the user has cancelled it, and where it reports progress."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal

Ended = Literal["", "time limit", "cancelled", "solver"]


def _silent(step: str) -> None:
    """Report to no one."""


@dataclass(frozen=True)
class Budget:
    """What a search may use, and where it reports.

    Attributes
    ----------
    deadline : float
        When the search has to end, on the monotonic clock.
    cancel : threading.Event
        Set by the user to end the search now with the best plan found.
    report : callable
        Called with a sentence at the beginning of each step.
    """

    deadline: float
    cancel: threading.Event = field(default_factory=threading.Event)
    report: Callable[[str], None] = _silent
    _cut: threading.Event = field(default_factory=threading.Event)
    _given_up: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(
        cls, time_limit_s: float, report: Callable[[str], None] = _silent, cancel: threading.Event | None = None
    ) -> "Budget":
        """Return the budget of a search that begins now."""
        return cls(time.monotonic() + time_limit_s, cancel or threading.Event(), report)

    def remaining_s(self) -> float:
        """Return the seconds that remain; 0 once the search is cancelled."""
        return 0.0 if self.cancel.is_set() else max(0.0, self.deadline - time.monotonic())

    def share(self, share: float) -> "Budget":
        """Return a budget of a share of the remaining time."""
        return replace(self, deadline=time.monotonic() + share * self.remaining_s())

    def cancelled(self) -> bool:
        """Return whether the search is cancelled, and if so record that it ended early."""
        if self.cancel.is_set():
            self.cut_short()
        return self.cancel.is_set()

    def cut_short(self) -> None:
        """Record that a search ended before it was done: for want of time, or else because the solver gave up."""
        (self._given_up if self.remaining_s() > 0 else self._cut).set()

    @property
    def ended(self) -> Ended:
        """Why the search ended early; empty where it did not."""
        if self._cut.is_set():
            return "cancelled" if self.cancel.is_set() else "time limit"
        return "solver" if self._given_up.is_set() else ""
