"""The confirmation of what was just recorded about a need, with a button that undoes it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import streamlit as st

from matching.errors import counted
from matching.pairs.market import Row
from matching.plan.phrases import need_in_words
from matching.rounds.history.events import Event
from matching.rounds.planning.run_inputs import serving
from matching.rounds.round import Round, is_decision
from matching.ui.formatting import markup
from matching.ui.state import decisions
from matching.ui.state.live_plan import Opened
from matching.ui.widgets.layout import show_where_it_is

_MOST_NAMED = 3
CONFIRMATION = "confirmation"
"""The key of what the screen shows of it."""
_CONFIRMATION, _ENTRIES = "confirmed", "entries"


@dataclass(frozen=True)
class _Confirmation:
    """What was just recorded.

    Attributes
    ----------
    round_id : str
    last_event : int
        The last event of the round afterwards; with another one the confirmation is out of date.
    numbers : tuple of int
        The events to undo.
    sentences : tuple of str
    """

    round_id: str
    last_event: int
    numbers: tuple[int, ...]
    sentences: tuple[str, ...] = field(repr=False)


def entries() -> int:
    """Return the number of entries that this tab has made, so that a form is new after each but not after another's."""
    return int(st.session_state.get(_ENTRIES, 0))


def show_confirmation(opened: Opened) -> None:
    """Confirm what was just recorded and what follows for the live plan, with a button that undoes it."""
    show_recorded(opened.round_, lambda: [_unmet_words(opened), *_package_words(opened)])


def show_recorded(round_: Round, more: Callable[[], Sequence[str]] = tuple) -> None:
    """Confirm what was just recorded, with a button that undoes it; `more` returns further sentences."""
    found: _Confirmation | None = st.session_state.get(_CONFIRMATION)
    if found is None or (found.round_id, found.last_event) != (round_.round_id, round_.last_event):
        return
    with st.container(key=CONFIRMATION):
        title, *lines = found.sentences
        st.html(markup.banner(title, [*lines, *more()], kind="good"))
        show_where_it_is(CONFIRMATION, found.last_event)
        if found.numbers and st.button("Undo", key=f"undo_last_{found.last_event}"):
            undo_and_confirm(round_, found.numbers)


def _unmet_words(opened: Opened) -> str:
    unmet = opened.needs[~opened.needs["met"]]
    had = {*serving(opened.live.accepted.plan), *opened.live.state.freed}
    freed = sorted(had & set(unmet["need_id"]))
    total = f"{counted(len(unmet), 'need is', 'needs are')} unmet"
    if not freed:
        return f"{total}."
    verb = "is" if len(freed) == 1 else "are"
    return f"{_need_names(opened, freed)} {verb} without a supporter now. {total} in all."


def _need_names(opened: Opened, need_ids: Sequence[str]) -> str:
    if len(need_ids) > _MOST_NAMED:
        return counted(len(need_ids), "need")
    return "; ".join(need_name(opened.row(one)) for one in need_ids)


def need_name(row: Row) -> str:
    """Return a need of `Opened.needs` in words: English at Alder School (N012)."""
    return need_in_words(row["focus"], row["school"], row["need_id"])


def _package_words(opened: Opened) -> Iterator[str]:
    """Yield a sentence for each package of which only some needs are met."""
    packages = opened.market.inputs.needs.set_index("need_id")["package"]
    needs = opened.needs.assign(package=opened.needs["need_id"].map(packages))
    for package, rows in needs[needs["package"] != ""].groupby("package"):
        if rows["met"].nunique() > 1:
            met = _need_names(opened, rows.loc[rows["met"], "need_id"].tolist())
            yield (
                f"Only part of package {package} is met now: {met}. Its needs belong together, so the best plan from "
                "here meets all of them or none."
            )


REOPENS = (
    "The plan is approved. Recording this reopens it: the approved version is kept, and a new one is to be approved."
)
"""What is said where an entry reopens an approved plan."""


def record_and_confirm(round_: Round, events: Sequence[Event], *sentences: str, reopens: str = "") -> None:
    """Record decisions, and draw the screen again with sentences that confirm them.

    An approved plan is reopened by a decision if `reopens` says why.
    """
    is_reopened = bool(reopens) and round_.approved is not None and any(map(is_decision, events))
    more = ["The plan was approved, and is open again."] if is_reopened else []
    after = decisions.record(round_, events, reopens=reopens if is_reopened else "")
    confirm(after, len(events), [*sentences, *more])


def undo_and_confirm(round_: Round, numbers: Sequence[int]) -> None:
    """Undo events, and draw the screen again with a confirmation; its own Undo brings them back."""
    words = "Undone. The history keeps both entries. To bring the decision back, press Undo again."
    confirm(decisions.undo(round_, numbers), len(numbers), [words])


def confirm(after: Round | None, count: int, sentences: Iterable[str]) -> None:
    """Draw the screen again with the last `count` events of a round confirmed; others may be another person's."""
    if after is None:
        return
    numbers = tuple(range(after.last_event - count + 1, after.last_event + 1))
    st.session_state[_ENTRIES] = entries() + 1
    st.session_state[_CONFIRMATION] = _Confirmation(after.round_id, after.last_event, numbers, tuple(sentences))
    st.rerun()
