"""Decisions on one need: what is recorded beside it, what was recorded, and the words and the way back after each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import streamlit as st

from matching.errors import DataError, Problem, counted
from matching.pairs.market import Row
from matching.rounds.events import DECLINE_REASONS, ENDED, HELD, STATUSES, Event, new_event
from matching.rounds.history import what_happened
from matching.rounds.placement_rules import Broken, broken_rules
from matching.rounds.round import Round
from matching.rounds.run_inputs import serving
from matching.tables.grid import kilometres
from matching.ui.formatting import markup
from matching.ui.formatting.words import moment
from matching.ui.state import answers, decisions, person, setbacks
from matching.ui.state.live_plan import Opened

STATUS_COLOURS = {
    "proposed": "grey",
    "approached": "blue",
    "agreed": "green",
    "active": "green",
    "completed": "green",
    "declined": "red",
    "withdrawn": "red",
}
_STATUS_WORDS = {
    "proposed": "proposed: nobody was asked yet",
    "approached": "approached: asked, no answer yet",
    "agreed": "agreed: a new plan must not break it",
    "active": "active: the work has begun",
    "completed": "completed: the work is done",
    "declined": "declined: they said no, and the need is free again",
    "withdrawn": "withdrawn: it was called off, and the need is free again",
}
_TOLD = "told"


@dataclass(frozen=True)
class _Told:
    """What was just recorded, in words, and the events that would take it back."""

    round_id: str
    after: int
    numbers: tuple[int, ...]
    sentences: tuple[str, ...] = field(repr=False)


# ---- what was just recorded ----------------------------------------------------------------------------------------


def show_told(opened: Opened) -> None:
    """Confirm what was just recorded, with the way back."""
    told: _Told | None = st.session_state.get(_TOLD)
    if told is None or (told.round_id, told.after) != (opened.round_.round_id, opened.round_.last_event):
        return
    with st.container(key="told"):
        title, *lines = told.sentences
        st.html(markup.banner(title, [*lines, _open_words(opened), *_package_words(opened)], kind="good"))
        if told.numbers and st.button("Undo", key=f"undo_told_{told.after}"):
            take_back(opened.round_, told.numbers)


def _open_words(opened: Opened) -> str:
    unmet = opened.needs[~opened.needs["met"]]
    had = {*serving(opened.live.accepted.plan), *opened.live.state.freed}
    freed = sorted(had & set(unmet["need_id"]))
    if not freed:
        return f"{counted(len(unmet), 'need is', 'needs are')} unmet."
    named = ", ".join(freed) if len(freed) <= 8 else counted(len(freed), "need")
    verb = "is" if len(freed) == 1 else "are"
    return f"{named} {verb} open now; {counted(len(unmet), 'need is', 'needs are')} unmet in all."


def _package_words(opened: Opened) -> Iterator[str]:
    """What is met in part although its needs belong together."""
    packages = opened.market.inputs.needs.set_index("need_id")["package"]
    needs = opened.needs.assign(package=opened.needs["need_id"].map(packages))
    for package, rows in needs[needs["package"] != ""].groupby("package"):
        if rows["met"].nunique() > 1:
            still = ", ".join(rows.loc[rows["met"], "need_id"])
            yield (
                f"Package {package} is met in part now ({still}), and its needs belong together. "
                "The best plan from here keeps all of it or none."
            )


def take(round_: Round, events: Sequence[Event], *sentences: str) -> None:
    """Record decisions, and show the screen anew with the words that confirm them."""
    changed = decisions.record(round_, events)
    if changed is None:
        return
    numbers = tuple(range(round_.last_event + 1, changed.last_event + 1))
    st.session_state[_TOLD] = _Told(changed.round_id, changed.last_event, numbers, sentences)
    st.rerun()


def take_back(round_: Round, numbers: Sequence[int]) -> None:
    """Undo what was recorded, and show the screen anew; the undoing can be undone."""
    changed = decisions.undo(round_, numbers)
    if changed is None:
        return
    undoing = tuple(range(round_.last_event + 1, changed.last_event + 1))
    words = "Undone. The history keeps both, and you can take the undoing back."
    st.session_state[_TOLD] = _Told(changed.round_id, changed.last_event, undoing, (words,))
    st.rerun()


def refuse(column: str, message: str, fix: str) -> None:
    """Show the screen anew with what is missing at its top; what was typed stays."""
    setbacks.set_back(DataError([Problem("decision", None, column, "", message, fix)]))
    st.rerun()


# ---- recording -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """A need with the people who are put at it, for the forms.

    Attributes
    ----------
    opened : Opened
    row : dict
        Of `opened.needs`.
    names : mapping of str to str
        Every supporter as people know them, by supporter_id.
    key : str
        Begins the keys of this form's controls: other ones for each need, and anew after each record.
    """

    opened: Opened
    row: Row
    names: dict[str, str] = field(repr=False)
    key: str

    @property
    def need_id(self) -> str:
        return str(self.row["need_id"])

    @property
    def holder(self) -> str | None:
        """Who serves the need now."""
        return str(self.row["supporter_id"]) if self.row["met"] else None

    def event(self, kind: str, supporter_id: str, why: str = "", **about: str) -> Event:
        return new_event(
            kind, by=person.who(), why=why.strip(), need_id=self.need_id, supporter_id=supporter_id, **about
        )


def people(opened: Opened) -> dict[str, str]:
    """Every supporter by supporter_id, as lists show them."""
    frame = opened.market.inputs.supporters
    words = frame["name"] + ", " + frame["designation"] + " (" + frame["supporter_id"] + ")"
    return dict(zip(frame["supporter_id"], words, strict=True))


@st.fragment
def show_decisions(opened: Opened, need_id: str) -> None:
    """Offer what can be recorded about a need, one form at a time, and list what was recorded."""
    key = f"{need_id}_{opened.round_.last_event}"
    case = _Case(opened, opened.row(need_id), people(opened), key)
    offered = _offered(case)
    chosen = st.selectbox(
        "What do you want to record?",
        list(offered),
        index=None,
        placeholder="An answer, a change or a note",
        key=f"record_{key}",
    )
    if chosen:
        with st.container(border=True, key="decision"):
            offered[chosen](case)
    _show_recorded(opened, need_id)


def _offered(case: _Case) -> dict[str, Callable[[_Case], None]]:
    """What can be recorded now, in the words of the list, with its form."""
    note: dict[str, Callable[[_Case], None]] = {"A note": _note_form}
    if case.opened.is_approved:
        return {"Where it stands": _status_form, **note} if case.holder else note
    if case.holder is None:
        return {
            "Put somebody here by hand": _swap_form,
            "Somebody declined this need": _declined_form,
            "Never propose somebody here (forbid)": _forbid_form,
            **note,
        }
    who = case.row["supporter"]
    placed = case.opened.live.state.placements.get(case.need_id)
    is_pinned = placed is not None and placed.kind == "pin" and placed.supporter_id == case.holder
    return {
        "Where it stands: approached, agreed and so on": _status_form,
        f"{who}, or somebody else, declined": _declined_form,
        "Put somebody else here by hand (swap)": _swap_form,
        **({} if is_pinned else {f"Keep {who} here whatever comes (pin)": _pin_form}),
        "Never propose somebody here (forbid)": _forbid_form,
        **note,
    }


def _who(case: _Case, label: str, *, but: str | None = None, first: str | None = None) -> str | None:
    options = [one for one in case.names if one != but]
    chosen: str | None = st.selectbox(
        label,
        options,
        index=options.index(first) if first in options else None,
        format_func=lambda one: case.names.get(one, ""),
        placeholder="Choose a person",
        key=f"who_{case.key}_{label}",
    )
    return chosen


def _status_form(case: _Case) -> None:
    holder = str(case.holder)
    now = case.opened.live.state.status_of(case.need_id, holder)
    statuses = [one for one in STATUSES if not (case.opened.is_approved and one in ENDED)]
    with st.form(f"status_{case.key}", border=False):
        chosen = st.radio(
            f"Where does the support by {markup.label(case.row['supporter'])} stand?",
            statuses,
            index=statuses.index(now) if now in statuses else 0,
            format_func=lambda one: _STATUS_WORDS[one],
            key=f"status_of_{case.key}",
        )
        why = st.text_input("What was said (optional)", key=f"status_why_{case.key}", max_chars=1_000)
        if st.form_submit_button("Record where it stands", type="primary"):
            after = {
                **dict.fromkeys(HELD, "A new plan will leave this as it is."),
                **dict.fromkeys(ENDED, "They are not proposed for this need again in this round."),
            }
            words = f"Recorded: the support of {case.row['supporter']} for {case.need_id} is {chosen}."
            events = [case.event("status", holder, why, status=chosen)]
            take(case.opened.round_, events, *filter(None, (words, after.get(chosen, ""))))


def _declined_form(case: _Case) -> None:
    with st.form(f"declined_{case.key}", border=False):
        who = _who(case, "Who declined?", first=case.holder)
        reason = st.selectbox(
            "Why?", DECLINE_REASONS, index=None, placeholder="Choose a reason", key=f"declined_reason_{case.key}"
        )
        more = st.text_input("In their words (needed for “Other”)", key=f"declined_more_{case.key}", max_chars=1_000)
        st.caption("They are not proposed for this need again in this round. Other needs stay open to them.")
        if st.form_submit_button("Record that they declined", type="primary"):
            _take_declined(case, who, reason, more.strip())


def _take_declined(case: _Case, who: str | None, reason: str | None, more: str) -> None:
    if who is None:
        refuse("supporter_id", "It is not said who declined.", "Choose the person in the form.")
    elif reason is None or (reason == DECLINE_REASONS[-1] and not more):
        refuse("why", "The reason is missing.", "Choose why they declined; for “Other”, say it in words.")
    else:
        why = ": ".join(filter(None, (reason, more)))
        words = f"Recorded: {case.names[who]} declined {case.need_id}. Reason: {why}"
        take(case.opened.round_, [case.event("declined", who, why)], f"{words}.", _stays(case, who))


def _stays(case: _Case, who: str) -> str:
    """Who has the need after somebody is barred from it."""
    if case.holder is None or who == case.holder:
        return f"They are not proposed for {case.need_id} again in this round."
    return f"{case.need_id} stays with {case.row['supporter']}."


def _forbid_form(case: _Case) -> None:
    with st.form(f"forbid_{case.key}", border=False):
        who = _who(case, "Who must not be here?", first=case.holder)
        why = st.text_input("Why?", key=f"forbid_why_{case.key}", max_chars=1_000)
        st.caption("For your own decision: a person who was asked and said no has declined.")
        if st.form_submit_button("Record that they must not be here", type="primary"):
            if who is None or not why.strip():
                refuse("why", "The person or the reason is missing.", "Choose the person and say why.")
            else:
                words = f"Recorded: {case.names[who]} must not be at {case.need_id}."
                take(case.opened.round_, [case.event("forbid", who, why)], words, _stays(case, who))


def _pin_form(case: _Case) -> None:
    who, as_label = str(case.row["supporter"]), markup.label(case.row["supporter"])
    with st.form(f"pin_{case.key}", border=False):
        why = st.text_input("Why? (optional)", key=f"pin_why_{case.key}", max_chars=1_000)
        st.caption(f"Every new plan of this round then keeps {as_label} here, until you undo it.")
        if st.form_submit_button(f"Keep {as_label} here", type="primary"):
            words = f"Recorded: {who} is kept at {case.need_id} (pinned)."
            take(case.opened.round_, [case.event("pin", str(case.holder), why)], words)


def _note_form(case: _Case) -> None:
    about = {"This need": "need", "This deployment": "both", f"{case.row['supporter']}": "person"}
    with st.form(f"note_{case.key}", border=False):
        chosen = "This need"
        if case.holder:
            chosen = st.radio("About", list(about), format_func=markup.label, key=f"note_about_{case.key}")
        text = st.text_area("Note", key=f"note_text_{case.key}", max_chars=4_000, height=90)
        if st.form_submit_button("Keep the note", type="primary"):
            if not text.strip():
                refuse("text", "The note is blank.", "Write something in it.")
            else:
                whom = {"need_id": case.need_id, "supporter_id": case.holder or ""}
                left_out = {"need": "supporter_id", "person": "need_id"}.get(about[chosen], "")
                named = {name: one for name, one in whom.items() if one and name != left_out}
                event = new_event("note", by=person.who(), text=text.strip(), **named)
                take(case.opened.round_, [event], "The note is kept.")


# ---- by hand -------------------------------------------------------------------------------------------------------


def _swap_form(case: _Case) -> None:
    label = "Who comes instead?" if case.holder else "Who comes?"
    who = _who(case, label, but=case.holder)
    if who is None:
        st.caption("Whoever you choose: each rule that it would break is named first, and you decide.")
        return
    state = case.opened.live.state
    if bar := state.barred.get((case.need_id, who)):
        said = "is forbidden here" if bar.kind == "forbid" else "has declined this need"
        st.html(
            markup.banner(
                f"{case.names[who]} {said}.", ["To put them here, undo that first: it is listed below."], kind="warning"
            )
        )
        return
    broken = broken_rules(case.opened.market, serving(case.opened.plan), case.need_id, who)
    with st.form(f"swap_{case.key}_{who}", border=False):
        st.html(markup.paragraph(_swap_words(case, who, len(broken))))
        ticked = [
            st.checkbox(
                f"Even so: {markup.label(f'{case.names[who]} {one.words}.')}", key=f"tick_{case.key}_{who}_{one.rule}"
            )
            for one in broken
        ]
        why = st.text_input("Why?", key=f"swap_why_{case.key}", max_chars=1_000)
        if st.form_submit_button("Put them here", type="primary"):
            _take_swap(case, who, broken, all(ticked), why)


def _swap_words(case: _Case, who: str, broken: int) -> str:
    fits = answers.fits_of(case.opened.live, case.need_id, who)
    now = f", against {case.row['score']:.3f} of {case.row['supporter']}" if case.holder else ""
    start = f"{case.names[who]} is {kilometres(fits.distance_km)} away, with a score of {fits.score:.3f}{now}."
    if not broken:
        return f"{start} It breaks no rule."
    return f"{start} It breaks {counted(broken, 'rule')}: tick each that you set aside."


def _take_swap(case: _Case, who: str, broken: Sequence[Broken], all_ticked: bool, why: str) -> None:
    if not all_ticked:
        refuse("broken", "A rule that it breaks is not ticked.", "Tick each rule that you set aside, or leave it.")
    elif not why.strip():
        refuse("why", "The reason is missing.", "Say why this person comes.")
    else:
        event = case.event("swap", who, why, replaces=case.holder or "", broken=";".join(one.rule for one in broken))
        instead = f" instead of {case.row['supporter']}" if case.holder else ""
        words = f"Recorded: {case.names[who]} was put at {case.need_id} by hand{instead}."
        take(case.opened.round_, [event], words)


# ---- what was recorded ---------------------------------------------------------------------------------------------


def _show_recorded(opened: Opened, need_id: str) -> None:
    """What was recorded about a need or whoever is at it, the newest first, each with its way back."""
    state = opened.live.state
    holder = opened.row(need_id)["supporter_id"]
    found = [
        one
        for one in reversed(state.events)
        if one.kind != "undo"
        and one.number not in state.undone
        and (one.need_id == need_id or (one.kind == "note" and not one.need_id and one.supporter_id == holder))
    ]
    if not found:
        return
    names = people(opened)
    with st.expander(f"Recorded here ({len(found)})", expanded=len(found) <= 2):
        for one in found:
            _show_event(opened, one, names)


def _show_event(opened: Opened, event: Event, names: dict[str, str]) -> None:
    words = what_happened(event)
    whom = names.get(event.supporter_id, event.supporter_id)
    with st.container(horizontal=True, vertical_alignment="center", key=f"recorded_{event.number}"):
        with st.container(width="stretch", gap=None):
            st.html(markup.paragraph(f"{words[0].upper()}{words[1:]}{f': {whom}' if whom else ''}."))
            said = event.about.get("text", "") or event.why
            if said:
                st.html(markup.paragraph(said))
            st.html(markup.paragraph(f"By {event.by or 'somebody'} on {moment(event.at)}.", quiet=True))
        is_locked = opened.is_approved and event.kind != "note"
        if not is_locked and st.button("Undo", key=f"undo_{event.number}", help=f"Take back: {markup.label(words)}"):
            take_back(opened.round_, [event.number])
