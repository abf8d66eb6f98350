"""Whose turn it is: where many people work at once, their clicks are answered one by one, the quick ones first.

Python works at one thing at a time. Twenty screens in the making hand it to and fro, and all of them together take half
as long again. So each waits for its turn. A turn ends after half a second at the latest: whoever needs longer goes on
beside the others, so that nobody waits behind a large table or a hard plan.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

LONGEST_S = 0.5
"""How long a turn lasts at most, in seconds."""

Turn = tuple[bool, int]
"""Whether it is for what takes long, and its number in the order of coming: the least in a line is next."""


class Turns:
    """One turn at a time; what is quick goes before what takes long, and otherwise who came first goes first."""

    def __init__(self) -> None:
        self._moved = threading.Condition()
        self._line: list[Turn] = []
        self._came = 0
        self._turn: Turn | None = None
        self._ends = 0.0

    def take(self, *, takes_long: bool) -> Turn:
        """Wait for a turn, and return it."""
        with self._moved:
            self._came += 1
            mine = (takes_long, self._came)
            self._line.append(mine)
            while mine != min(self._line) or (self._turn and time.monotonic() < self._ends):
                # Only the first in line waits for the turn to run out; the others, until the line moves.
                self._moved.wait(self._ends - time.monotonic() if mine == min(self._line) else None)
            self._line.remove(mine)
            self._turn, self._ends = mine, time.monotonic() + LONGEST_S
            # Whoever is the first in line now has this turn to wait for.
            self._moved.notify_all()
            return mine

    def end(self, turn: Turn) -> None:
        """Let the next one have theirs; nothing, where this turn has run out and somebody else has one."""
        with self._moved:
            if self._turn == turn:
                self._turn = None
                self._moved.notify_all()


_TURNS = Turns()
_mine = threading.local()


@contextmanager
def click() -> Iterator[None]:
    """Make a screen when it is its turn."""
    _mine.turn = _TURNS.take(takes_long=False)
    try:
        yield
    finally:
        let_others()


@contextmanager
def long_work() -> Iterator[None]:
    """Read, solve or write what takes long, after what is quick. The rest of a screen follows in the same turn."""
    had_turn = let_others()
    _mine.turn = _TURNS.take(takes_long=True)
    try:
        yield
    finally:
        if not had_turn:
            let_others()


def let_others() -> bool:
    """End the turn of this thread; whether it had one."""
    turn = getattr(_mine, "turn", None)
    _mine.turn = None
    if turn:
        _TURNS.end(turn)
    return turn is not None
