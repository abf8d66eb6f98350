"""History: who did what in the round, when and why; and undoing an entry, which is an entry itself."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.rounds.history.events import KINDS, UNDOABLE, Event
from matching.rounds.history.state import state_of
from matching.rounds.history.table import history_csv, what_happened, written_by
from matching.rounds.register import dormant_after_undo
from matching.rounds.round import Round
from matching.ui.formatting import markup
from matching.ui.formatting.words import moment
from matching.ui.sections.filters import filter_by
from matching.ui.state import cache, decisions
from matching.ui.steps import HISTORY
from matching.ui.widgets.layout import round_or_stop, screen_heading

_MOST = 200
_MOST_DORMANT, _MOST_PROBLEMS = 20, 10


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(HISTORY)
    screen_heading(HISTORY, round_, "The newest entry comes first.")
    _warn_of_problems(round_)
    names = _names(round_)
    shown = _filtered(round_.events, names)
    st.header(counted(len(shown), "entry", "entries"), anchor=False)
    if not shown:
        st.html(markup.paragraph("No entry matches these filters. Clear one of them."))
        return
    undone = state_of(round_.events).undone
    table = _table(shown[:_MOST], round_.events, undone, names)
    st.html(markup.table(table, "What happened, the newest first", tags={"undone": "yellow"}))
    if len(shown) > _MOST:
        st.caption(f"The newest {_MOST} of {len(shown):,} entries are shown. Download the history to see all of them.")
    _offer_file(round_)
    _offer_undo(round_, names)


def _offer_file(round_: Round) -> None:
    events = round_.events
    private = st.checkbox(
        "Include what visits, reviews and evaluations say",
        key="history_private",
        help="What was written about them is private unless you tick this.",
    )
    st.download_button(
        "Download the history (CSV)",
        lambda: history_csv(events, private=private),
        "history.csv",
        "text/csv",
        on_click="ignore",
    )


def _names(round_: Round) -> dict[str, str]:
    """Return the words for every need and supporter of the round's tables, by identifier.

    They come from the cells as they are: tables that an undo has left with problems are mended on this screen.
    """
    schools = cache.schools_of(round_.sources)
    name_of = dict(zip(schools["urn"], schools["name"], strict=True))
    needs, people = (cache.rows_of(round_.sources, table) for table in ("needs", "supporters"))
    return {
        **{
            key: f"{row['focus']} at {name_of.get(row['school_urn'], row['school_urn'])} ({key})"
            for (key,), row in needs.items()
        },
        **{key: f"{row['name']} ({key})" for (key,), row in people.items()},
    }


def _warn_of_problems(round_: Round) -> None:
    """Say what is wrong in the tables as they are now: no other screen can show the round until that is mended."""
    try:
        cache.inputs_of(round_.sources)
    except DataError as error:
        title = "The tables have problems as they are now. Undo the entry, or the undo, that led to them."
        lines = [str(one) for one in error.problems[:_MOST_PROBLEMS]]
        st.html(markup.banner(title, lines, kind="warning"))


def _filtered(events: tuple[Event, ...], names: Mapping[str, str]) -> list[Event]:
    """Show the filters and return the events that pass them, the newest first."""
    kinds = [one for one in KINDS if any(event.kind == one for event in events)]
    users = sorted({one.by for one in events})
    kind_slot, by_slot, about_slot = st.columns(3, vertical_alignment="bottom")
    kind_words = {kind: words.capitalize() for kind, words in KINDS.items()}
    kind = filter_by(kind_slot, "What", kinds, "what", words=kind_words)
    by = filter_by(by_slot, "Who", users, "by")
    about = about_slot.text_input("Need or supporter", placeholder="Name, school or identifier", key="about")
    wanted = (about or "").strip().casefold()
    return [
        one
        for one in reversed(events)
        if kind in (None, one.kind)
        and by in (None, one.by)
        and (not wanted or any(wanted in words.casefold() for words in _about(one, events, names)))
    ]


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _subject(event: Event, events: tuple[Event, ...]) -> Event:
    """Return the event itself or, for an undo, the event that was undone."""
    while event.undoes is not None and 0 < event.undoes <= len(events):
        event = events[event.undoes - 1]
    return event


def _about(event: Event, events: tuple[Event, ...], names: Mapping[str, str]) -> tuple[str, str]:
    """Return the need and the supporter of an event in words; each may be blank."""
    subject = _subject(event, events)
    return names.get(subject.need_id, subject.need_id), names.get(subject.supporter_id, subject.supporter_id)


def _table(
    shown: list[Event], events: tuple[Event, ...], undone: frozenset[int], names: Mapping[str, str]
) -> pd.DataFrame:
    rows = []
    for one in shown:
        need, supporter = _about(one, events, names)
        rows.append(
            {
                "Number": str(one.number),
                "When": moment(one.at),
                "Who": one.by or "Not given",
                "What": _capital(what_happened(one, names)),
                "Need": need,
                "Supporter": supporter,
                "Why": written_by(one),
                "State": "undone" if one.number in undone else "",
            }
        )
    return pd.DataFrame(rows)


# ---- undoing -------------------------------------------------------------------------------------------------------


def _offer_undo(round_: Round, names: Mapping[str, str]) -> None:
    st.header("Undo an entry", anchor=False)
    if round_.approved is not None:
        st.html(markup.paragraph("The plan is approved. Reopen it under Hand over before you undo an entry."))
        return
    undone = state_of(round_.events).undone
    known = {one.number: one for one in round_.events if one.kind in UNDOABLE and one.number not in undone}
    if not known:
        st.html(markup.paragraph("There is no entry to undo."))
        return
    with st.container(border=True, key="undo"):
        st.html(
            markup.paragraph(
                "Everything is then as if the entry had not been made: tables, decisions and the accepted plan. The "
                "history keeps it, marked as undone. To bring it back, undo the undo.",
                quiet=True,
            )
        )
        number = st.selectbox(
            "Entry",
            sorted(known, reverse=True),
            index=None,
            format_func=lambda one: _sentence(known[one], round_.events, names) if one in known else "",
            placeholder="Choose an entry",
            key=f"undo_of_{round_.revision}",
        )
        if number is not None:
            _show_dormant(round_, number, names)
        why = st.text_input("Reason for undoing", max_chars=500, key=f"undo_why_{round_.revision}")
        if st.button("Undo this entry", type="primary"):
            _undo(round_, number, (why or "").strip())


def _show_dormant(round_: Round, number: int, names: Mapping[str, str]) -> None:
    """List the later entries that would be without effect, before the undo is confirmed."""
    later = dormant_after_undo(round_.given, round_.events, [number])
    if later:
        title = f"{counted(len(later), 'later entry hangs', 'later entries hang')} on this one. Undone, it leaves them "
        lines = [_sentence(one, round_.events, names) for one in later[:_MOST_DORMANT]]
        if len(later) > _MOST_DORMANT:
            lines.append(f"And {len(later) - _MOST_DORMANT:,} more.")
        st.html(markup.banner(f"{title}without effect, until it is brought back.", lines, kind="warning"))


def _sentence(event: Event, events: tuple[Event, ...], names: Mapping[str, str]) -> str:
    what = ", ".join(filter(None, [what_happened(event, names), *_about(event, events, names)]))
    return f"{event.number}: {what}, by {event.by or 'an unnamed user'} on {moment(event.at)}"


def _undo(round_: Round, number: int | None, why: str) -> None:
    if number is None or not why:
        missing = "Choose the entry first." if number is None else "Give a reason first."
        st.html(markup.banner(missing, kind="warning"))
        return
    decisions.undo(round_, [number], why=why)
    st.rerun()


if __name__ == "__main__":
    show()
