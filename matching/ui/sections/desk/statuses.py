"""How deployments get on: a status and consents, for one deployment or for many, and a school that says no."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import streamlit as st

from matching.errors import DataError, Problem, counted, listed
from matching.rounds.desk.moves import MOVES, consents_in_words, missing_consents
from matching.rounds.desk.refused_consent import absence_after_no, events_after_no
from matching.rounds.desk.settings import PARTIES
from matching.rounds.edits import try_out
from matching.rounds.history.events import EXTENTS, HELD, STATUSES, Event, Pair, new_event
from matching.rounds.history.state import RoundState
from matching.rounds.round import Round
from matching.rounds.touches import kept
from matching.tables.cell_values import CellError, day
from matching.ui.sections.confirmation import REOPENS, record_and_confirm
from matching.ui.sections.register.opened import OpenedRegister, opened_register
from matching.ui.sections.register.saving import outcome, touched_by
from matching.ui.state import cache, person, setbacks

STATUS_WORDS = {
    "proposed": "Proposed: not asked yet",
    "approached": "Approached: asked, no answer yet",
    "agreed": "Agreed: a new plan keeps this deployment",
    "active": "Active: the work has begun",
    "paused": "Paused: the work has stopped for a time",
    "completed": "Completed: the work is done",
    "declined": "Declined: they said no, and the need is open again",
    "withdrawn": "Withdrawn: it was called off, and the need is open again",
}
_FOLLOWS = {
    **dict.fromkeys(HELD, "A new plan will keep this deployment."),
    "declined": "They will not be proposed for this need again in this round.",
    "withdrawn": "The need is open again, and a new plan may propose anyone for it.",
}
_AS_IT_IS = "as it is"
_MOST_NAMED = 3


@dataclass(frozen=True)
class Deployments:
    """The deployments that a form is about.

    Attributes
    ----------
    round_ : Round
    state : RoundState
    words : mapping of Pair to str
        Each deployment in words: the support by whom, for what.
    """

    round_: Round
    state: RoundState
    words: Mapping[Pair, str] = field(repr=False)

    @property
    def is_one(self) -> bool:
        """Whether it is a single one."""
        return len(self.words) == 1

    def status(self, pair: Pair) -> str:
        """Return the status of a deployment now."""
        return self.state.status_of(*pair)

    def statuses(self) -> list[str]:
        """Return the statuses that can be recorded for at least one of them."""
        allowed = {one for pair in self.words for one in MOVES[self.status(pair)]}
        # Each person who declines has a reason of their own.
        return [one for one in STATUSES if one in allowed and (self.is_one or one != "declined")]


def show_status_form(found: Deployments, label: str, key: str) -> None:
    """Show the form that records a status, consents or both, with the day on which it happened."""
    now = found.status(next(iter(found.words))) if found.is_one else _AS_IT_IS
    statuses = [now, *found.statuses()]
    if found.is_one:
        statuses = [one for one in STATUSES if one in statuses]
    waiting = [one for one in PARTIES if any(one in missing_consents(found.state, pair) for pair in _open(found))]
    with st.form(f"status_{key}", border=False):
        chosen = st.radio(
            label,
            statuses,
            index=statuses.index(now),
            format_func=lambda one: STATUS_WORDS.get(one, "No new status"),
            key=f"status_of_{key}",
        )
        if waiting:
            st.caption("Consents that an agreement waits for. Tick those that have been given.")
        given = [one for one in waiting if st.checkbox(f"The {one} has consented", key=f"consent_{key}_{one}")]
        if found.round_.approved is not None:
            st.caption(f"Where the support ends: {REOPENS[0].lower()}{REOPENS[1:]}")
        on = st.text_input("On (dd/mm/yyyy)", f"{date.today():%d/%m/%Y}", max_chars=30, key=f"status_on_{key}")
        why = st.text_input("What was said (optional)", key=f"status_why_{key}", max_chars=1_000)
        button = "Record the status" if found.is_one else f"Record for {counted(len(found.words), 'deployment')}"
        if st.form_submit_button(button, type="primary"):
            record_status(found, "" if chosen in (now, _AS_IT_IS) else chosen, given, on=on, why=why)


def _open(found: Deployments) -> list[Pair]:
    return [pair for pair in found.words if found.status(pair) in ("proposed", "approached")]


def record_status(found: Deployments, status: str, given: Sequence[str] = (), *, on: str = "", why: str = "") -> None:
    """Record a status and consents for the deployments that can get them: for all of these, or for none.

    Parameters
    ----------
    status : str
        Blank to leave it as it is.
    given : sequence of str
        The parties that have consented.
    on : str
        The day, as it was typed; today if blank.
    why : str
    """
    events = [one for pair in found.words for one in _events(found, pair, status, given, typed_day(on), why.strip())]
    if status == "agreed":
        _refuse_without_consents(found, given)
    if not events:
        refuse("status", "Nothing has changed.", "Choose another status, or tick a consent.")
        return
    concerned = {one.pair for one in events}
    if found.is_one:
        (words,) = found.words.values()
        done = f"{words} is now {status}." if status else f"{words} has the consent of {consents_in_words((*given,))}."
        sentences = [f"Recorded: {done}", _FOLLOWS.get(status, "")]
    else:
        what = ", ".join([*([status] if status else []), *(f"consent of the {one}" for one in given)])
        sentences = [f"Recorded for {counted(len(concerned), 'deployment')}: {what}."]
        if len(concerned) < len(found.words):
            others = counted(len(found.words) - len(concerned), "deployment does", "deployments do")
            sentences.append(f"{others} not go from their status to this one, and stayed as they were.")
    record_and_confirm(found.round_, events, *filter(None, sentences), reopens=f"Support was {status}")


def _events(found: Deployments, pair: Pair, status: str, given: Sequence[str], on: date, why: str) -> list[Event]:
    about = {"need_id": pair[0], "supporter_id": pair[1]}
    if on != date.today():
        about["on"] = on.isoformat()
    missing = missing_consents(found.state, pair) if pair in _open(found) else ()
    events = [
        new_event("consent", by=person.who(), why=why, party=one, answer="yes", **about)
        for one in given
        if one in missing
    ]
    if status in MOVES[found.status(pair)]:
        events.append(new_event("status", by=person.who(), why=why, status=status, **about))
    return events


def _refuse_without_consents(found: Deployments, given: Sequence[str]) -> None:
    lacking = {
        pair: missing
        for pair in found.words
        if found.status(pair) not in HELD
        and (missing := tuple(one for one in missing_consents(found.state, pair) if one not in given))
    }
    if not lacking:
        return
    parties = tuple(one for one in PARTIES if any(one in missing for missing in lacking.values()))
    if found.is_one:
        message = f"It cannot be agreed without the consent of {consents_in_words(parties)}."
    else:
        names = listed([found.words[pair] for pair in lacking], _MOST_NAMED, "; ")
        count = counted(len(lacking), "deployment", "deployments")
        message = f"{count} cannot be agreed without the consent of {consents_in_words(parties)}: {names}."
    refuse("consent", message, "Tick each consent that was given, or leave the status as it is.")


def typed_day(typed: str) -> date:
    """Return a day as it was typed, today if blank; another text is refused at the top of the screen."""
    try:
        return day(typed.strip()) if typed.strip() else date.today()
    except CellError as fault:
        refuse("on", fault.message, fault.fix)
        raise


def refuse(column: str, message: str, fix: str) -> None:
    """Draw the screen again with an error at its top; the form keeps what was typed."""
    setbacks.set_back(DataError([Problem("decision", None, column, "", message, fix)]))
    st.rerun()


# ---- a school that says no -----------------------------------------------------------------------------------------

_WHO = {"home school": "The supporter's own school", "receiving school": "The school that would be supported"}
_HOW_FAR = {
    "this school": "They must not support this school",
    "until": "They support no school until a day",
    "altogether": "They support no school any more",
}


def show_no_form(found: Deployments, key: str) -> None:
    """Show the form that records the no of a school; that of a home school is asked how far it goes."""
    ((pair, words),) = found.words.items()
    party = st.radio("Who said no?", list(_WHO), format_func=_WHO.__getitem__, key=f"no_party_{key}")
    extent = EXTENTS[0]
    if party == "home school":
        extent = st.radio("How far does it go?", list(_HOW_FAR), format_func=_HOW_FAR.__getitem__, key=f"no_far_{key}")
    typed = st.text_input("Until (dd/mm/yyyy)", max_chars=30, key=f"no_until_{key}") if extent == "until" else ""
    on = st.text_input("On (dd/mm/yyyy)", f"{date.today():%d/%m/%Y}", max_chars=30, key=f"no_on_{key}")
    why = st.text_input("What was said (optional)", key=f"no_why_{key}", max_chars=1_000)
    st.caption("The deployment is withdrawn. It does not count as a decline by the supporter.")
    if found.round_.approved is not None:
        st.caption(REOPENS)
    if not st.button("Record the no", type="primary", key=f"no_save_{key}"):
        return
    if extent == "until" and not typed.strip():
        refuse("until", "The last day is missing.", "Give the last day on which they support no school.")
    said_on, until = typed_day(on), typed_day(typed) if extent == "until" else None
    register, by = opened_register(found.round_), person.who()
    urn_of = dict(register.inputs.all_needs[["need_id", "school_urn"]].itertuples(index=False, name=None))
    of_school = [one for one, urn in urn_of.items() if urn == urn_of.get(pair[0])]
    events = events_after_no(found.state, pair, party, extent, said_on, until, of_school, by=by, why=why.strip())
    sentences = [f"Recorded: {words} is withdrawn, because the {party} said no."]
    if party == "home school":
        row = register.rows("supporters")[(pair[1],)]
        absence = absence_after_no(row, extent, said_on, until, by=by, why=why.strip())
        if absence is not None:
            also = _kept_elsewhere(register, absence, pair)
            events += [absence, *also]
            sentences += [f"{register.person(pair[1])} will be proposed nowhere meanwhile.", *outcome(register, also)]
    record_and_confirm(found.round_, events, *sentences, reopens="A school said no")


def _kept_elsewhere(register: OpenedRegister, absence: Event, pair: Pair) -> list[Event]:
    """Return the pins by which what the supporter has agreed elsewhere stays until a person ends it."""
    faults, after = try_out(register.round_.sources, absence, cache.tried_inputs)
    if after is None:
        refuse("extent", "; ".join([*faults.by_column.values(), *faults.others]), "Give another day.")
        return []
    touched = [one for one in touched_by(register, absence, after) if (one.need_id, one.supporter_id) != pair]
    return [pin for one in touched if (pin := kept(one, by=absence.by, why=absence.why))]
