"""Turns: when many people work at the same time, their clicks are answered one by one, the quick ones first.

Python does one thing at a time. Twenty screens drawn at the same time take half as long again in all, because Python
keeps switching between them. So each waits for its turn. A turn ends after half a second at the latest; work that takes
longer goes on alongside the other turns, so that no screen waits behind a large table or a hard plan.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import streamlit as st

from matching.ui.state.params import server_params

Turn = tuple[bool, int]
"""Whether it is for long work, and its number in the order of arrival: the smallest turn in the queue is next."""


class Turns:
    """One turn at a time: quick work before long work, and otherwise first come, first served.

    Parameters
    ----------
    longest_s : float
        How long a turn lasts at most, in seconds.
    """

    def __init__(self, longest_s: float) -> None:
        self._longest_s = longest_s
        self._moved = threading.Condition()
        self._queue: list[Turn] = []
        self._arrived = 0
        self._turn: Turn | None = None
        self._ends = 0.0

    def take(self, *, takes_long: bool) -> Turn:
        """Wait for a turn, and return it."""
        with self._moved:
            self._arrived += 1
            mine = (takes_long, self._arrived)
            self._queue.append(mine)
            while mine != min(self._queue) or (self._turn and time.monotonic() < self._ends):
                # Only the first in the queue waits for the turn to run out; the others, until the queue moves.
                self._moved.wait(self._ends - time.monotonic() if mine == min(self._queue) else None)
            self._queue.remove(mine)
            self._turn, self._ends = mine, time.monotonic() + self._longest_s
            # The new first in the queue has to wait for the end of this turn.
            self._moved.notify_all()
            return mine

    def end(self, turn: Turn) -> None:
        """End a turn; without effect if it has run out and another one has begun."""
        with self._moved:
            if self._turn == turn:
                self._turn = None
                self._moved.notify_all()


def _turns() -> Turns:
    return _turns_of(server_params().longest_turn_s)


@st.cache_resource(show_spinner=False)
def _turns_of(longest_s: float) -> Turns:
    return Turns(longest_s)


_mine = threading.local()


@contextmanager
def click() -> Iterator[None]:
    """Draw a screen in a turn of its own."""
    _mine.turn = _turns().take(takes_long=False)
    try:
        yield
    finally:
        let_others()


@contextmanager
def long_work() -> Iterator[None]:
    """Read, solve or write something that takes long, after quick work; a screen goes on in the same turn."""
    had_turn = let_others()
    _mine.turn = _turns().take(takes_long=True)
    try:
        yield
    finally:
        if not had_turn:
            let_others()


def let_others() -> bool:
    """End the turn of this thread, and return whether it had one."""
    turn = getattr(_mine, "turn", None)
    _mine.turn = None
    if turn:
        _turns().end(turn)
    return turn is not None
