"""The budget of a search: its time limit, whether the user has cancelled it, and where it reports progress."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

Answer = TypeVar("Answer")
Ended = Literal["", "time limit", "cancelled"]

_POLL_EVERY_S = 0.05
_BACKGROUND = "background search"


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
    limit_s : float
        Time limit of the whole search, in seconds. Which methods are tried may depend on it, but not on how fast the
        machine is.
    """

    deadline: float
    cancel: threading.Event = field(default_factory=threading.Event)
    report: Callable[[str], None] = _silent
    limit_s: float = math.inf
    _cut: threading.Event = field(default_factory=threading.Event)

    @classmethod
    def of(
        cls, time_limit_s: float, report: Callable[[str], None] = _silent, cancel: threading.Event | None = None
    ) -> "Budget":
        """Return the budget of a search that begins now."""
        return cls(time.monotonic() + time_limit_s, cancel or threading.Event(), report, time_limit_s)

    def remaining_s(self) -> float:
        """Return the seconds that remain; 0 once the search is cancelled."""
        return 0.0 if self.cancel.is_set() else max(0.0, self.deadline - time.monotonic())

    def share(self, share: float) -> "Budget":
        """Return a budget of a share of the remaining time."""
        return replace(self, deadline=time.monotonic() + share * self.remaining_s())

    def separate(self) -> "Budget":
        """Return a budget for an optional search: it is cancelled by itself, and its end does not count as early."""
        return replace(self, cancel=threading.Event(), _cut=threading.Event())

    def cancelled(self) -> bool:
        """Return whether the search is cancelled, and if so record that it ended early."""
        if self.cancel.is_set():
            self.cut_short()
        return self.cancel.is_set()

    def cut_short(self) -> None:
        """Record that a search ended before it was done."""
        self._cut.set()

    @property
    def ended(self) -> Ended:
        """Why the search ended early; empty where it did not."""
        if not self._cut.is_set():
            return ""
        return "cancelled" if self.cancel.is_set() else "time limit"

    def within(self, search: Callable[[], Answer]) -> Answer | None:
        """Return the answer of a search, or None where it is not found in time.

        The search runs in a thread of its own, because the library cannot be interrupted. After the deadline or a
        cancellation it may go on for a while; its result is discarded.
        """
        answers: list[Answer] = []
        faults: list[BaseException] = []

        def run() -> None:
            try:
                answers.append(search())
            except BaseException as fault:  # raised again below, in the caller's thread
                faults.append(fault)

        thread = threading.Thread(target=run, name=_BACKGROUND, daemon=True)
        thread.start()
        while thread.is_alive() and self.remaining_s() > 0:
            thread.join(_POLL_EVERY_S)
        if faults:
            raise faults[0]
        if answers:
            return answers[0]
        self.cut_short()
        return None


def is_search_left() -> bool:
    """Return whether a search whose result is discarded is still running."""
    return any(thread.name == _BACKGROUND for thread in threading.enumerate())
