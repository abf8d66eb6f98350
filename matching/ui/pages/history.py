"""History: who did what to the round, when and why; a decision is undone by an event of its own."""

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.rounds.events import DECISIONS, KINDS, Event
from matching.rounds.history import history_csv, what_happened
from matching.rounds.round import Round
from matching.rounds.state import desk_of
from matching.ui.formatting import markup
from matching.ui.formatting.words import event_sentence, moment
from matching.ui.state import decisions
from matching.ui.steps import HISTORY
from matching.ui.widgets.layout import name_box, round_or_stop, screen_heading

_ALL = "All"
_MOST = 200


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(HISTORY)
    screen_heading(HISTORY, round_, "The newest comes first.")
    shown = _filtered(round_.events)
    st.header(counted(len(shown), "event"), anchor=False)
    if not shown:
        st.html(markup.paragraph("Nothing fits these filters. Clear one of them."))
        return
    undone = desk_of(round_.events).undone
    table = _table(shown[:_MOST], round_.events, undone)
    st.html(markup.table(table, "What happened, the newest first", tags={"undone": "yellow"}))
    if len(shown) > _MOST:
        st.caption(f"The newest {_MOST} of {len(shown):,} are shown; the file holds all.")
    _offer_file(round_)
    _offer_undo(round_)


def _offer_file(round_: Round) -> None:
    events = round_.events
    st.download_button(
        "Download the history (CSV)", lambda: history_csv(events), "history.csv", "text/csv", on_click="ignore"
    )


def _filtered(events: tuple[Event, ...]) -> list[Event]:
    """The events that the filters leave, the newest first."""
    kinds = [one for one in KINDS if any(event.kind == one for event in events)]
    people = sorted({one.by for one in events})
    kind_slot, by_slot, about_slot = st.columns(3, vertical_alignment="bottom")
    kind = kind_slot.selectbox(
        "What", [_ALL, *kinds], format_func=lambda one: KINDS[one].capitalize() if one in KINDS else one, key="what"
    )
    by = by_slot.selectbox("Who", [_ALL, *people], format_func=lambda one: one or "Not given", key="by")
    about = about_slot.text_input("Need or supporter", placeholder="Identifier, such as N012", key="about")
    wanted = (about or "").strip().casefold()
    return [
        one
        for one in reversed(events)
        if kind in (_ALL, one.kind) and by in (_ALL, one.by) and (not wanted or wanted in _whom(one, events))
    ]


def _subject(event: Event, events: tuple[Event, ...]) -> Event:
    """The event itself or, of an undo, what it takes back."""
    while event.undoes is not None and 0 < event.undoes <= len(events):
        event = events[event.undoes - 1]
    return event


def _whom(event: Event, events: tuple[Event, ...]) -> list[str]:
    subject = _subject(event, events)
    return [one.casefold() for one in (subject.need_id, subject.supporter_id) if one]


def _table(shown: list[Event], events: tuple[Event, ...], undone: frozenset[int]) -> pd.DataFrame:
    rows = []
    for one in shown:
        subject = _subject(one, events)
        rows.append(
            {
                "Number": str(one.number),
                "When": moment(one.at),
                "Who": one.by or "Not given",
                "What": what_happened(one).capitalize(),
                "Need": subject.need_id,
                "Supporter": subject.supporter_id,
                "Why": one.about.get("text", "") or one.why,
                "State": "undone" if one.number in undone else "",
            }
        )
    return pd.DataFrame(rows)


# ---- undoing -------------------------------------------------------------------------------------------------------


def _offer_undo(round_: Round) -> None:
    st.header("Undo a decision", anchor=False)
    if round_.approved is not None:
        st.html(markup.paragraph("The plan is approved. Reopen it under Hand over before you undo a decision."))
        return
    undone = desk_of(round_.events).undone
    known = {one.number: one for one in round_.events if one.kind in (*DECISIONS, "undo") and one.number not in undone}
    if not known:
        st.html(markup.paragraph("There is no decision that could be undone."))
        return
    with st.container(border=True, key="undo"):
        st.html(
            markup.paragraph(
                "What you undo stays in the history, marked as undone. To put it back, undo the undoing.", quiet=True
            )
        )
        number = st.selectbox(
            "Decision",
            sorted(known, reverse=True),
            index=None,
            format_func=lambda one: f"{one}: {event_sentence(known[one])}" if one in known else "",
            placeholder="Choose a decision",
            key=f"undo_of_{round_.revision}",
        )
        why = st.text_input("Reason for undoing", max_chars=500, key=f"undo_why_{round_.revision}")
        name_box()
        if st.button("Undo this decision", type="primary"):
            _undo(round_, number, (why or "").strip())


def _undo(round_: Round, number: int | None, why: str) -> None:
    if number is None or not why:
        missing = "Choose the decision first." if number is None else "Give a reason first."
        st.html(markup.banner(missing, kind="warning"))
        return
    decisions.undo(round_, [number], why=why)
    st.rerun()


if __name__ == "__main__":
    show()
