"""Changes that were not made, and why: remembered for the next screen to show."""

from dataclasses import dataclass, replace

import streamlit as st

from matching.errors import DataError
from matching.rounds.store import StaleRoundError
from matching.ui.formatting.words import event_sentence

_SETBACK, _COUNT = "setback", "setbacks"
_DEFECT = (
    "This is a fault in the program, not in your tables. Nothing was saved, and the round is as it was.",
    "What went wrong is in the window in which the program was started. Please report it.",
)


@dataclass(frozen=True)
class Setback:
    """A change that was not made, and why.

    Attributes
    ----------
    title : str
    lines : tuple of str
    stale : bool
        Whether the round was changed elsewhere, so that it has to be opened again first.
    number : int
        Its number among the setbacks of this tab, so that each takes the focus once.
    """

    title: str
    lines: tuple[str, ...]
    stale: bool = False
    number: int = 0


def set_back(error: DataError | StaleRoundError) -> None:
    """Remember why a change was not made, for the next screen to show."""
    _remember(setback_of(error))


def set_back_by_defect() -> None:
    """Remember that a plan could not be made because of a fault in the program."""
    _remember(Setback("The plan could not be made", _DEFECT))


def _remember(setback: Setback) -> None:
    number = st.session_state[_COUNT] = st.session_state.get(_COUNT, 0) + 1
    st.session_state[_SETBACK] = replace(setback, number=number)


def setback_of(error: DataError | StaleRoundError) -> Setback:
    """Return the words for something that cannot be done."""
    if isinstance(error, DataError):
        return Setback("This cannot be done", tuple(f"{one.message} {one.fix}" for one in error.problems))
    meanwhile = [f"Meanwhile: {event_sentence(one)}" for one in error.meanwhile]
    return Setback("The round was changed in another window", (str(error), *meanwhile), stale=True)


def take_setback() -> Setback | None:
    """Return the setback to show: once or, where the round was changed elsewhere, until it is opened again."""
    found: Setback | None = st.session_state.pop(_SETBACK, None)
    if found and found.stale:
        st.session_state[_SETBACK] = found
    return found


def forget_setback() -> None:
    """Forget the setback: the round that it was about was opened again or changed."""
    st.session_state.pop(_SETBACK, None)
