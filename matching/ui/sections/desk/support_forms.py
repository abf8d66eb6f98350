"""The support of one deployment: forms for its terms, a visit, a review and the school's evaluation, and its days."""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

import streamlit as st

from matching.rounds.desk.money import cost, in_pounds
from matching.rounds.desk.support import RATINGS, Terms, days_in_words, plain
from matching.rounds.edits import NO_FAULTS, Cells, Faults
from matching.rounds.history.events import HELD, Event, Pair, new_event
from matching.rounds.history.refusals import why_refused
from matching.rounds.history.state import RoundState
from matching.tables.cell_values import CellError, day
from matching.ui.formatting.words import day as day_in_words
from matching.ui.sections.confirmation import record_and_confirm
from matching.ui.sections.desk.statuses import Deployments
from matching.ui.sections.register.fields import Fields
from matching.ui.state import person

_LENGTHS = {"0.25": "Quarter day", "0.5": "Half day", "0.75": "Three quarters", "1": "Whole day"}
_PRIVATE = "What you write here stays in this round, unless you tick it when you hand over."
_PRINTED = "The dates, days and objectives are printed on the agreement to sign."
_DAYS = ("on", "start", "end", "review_on")


def support_labels(state: RoundState, pair: Pair) -> dict[str, str]:
    """Return what can be recorded of the support of a deployment as it is now, with the words of the list."""
    terms = {"terms": "Dates, days and objectives that were agreed"}
    if state.status_of(*pair) not in HELD:
        return terms
    return {"visit": "A visit", **terms, "review": "A review", "evaluation": "The school's evaluation"}


def days_sentence(state: RoundState, pair: Pair, asked: float, designation: str) -> str:
    """Return the days used of those agreed and their cost, with what is more than agreed; blank before an agreement."""
    used, agreed = state.support.days_used(pair), state.support.days_agreed(pair, asked)
    if not used and state.status_of(*pair) not in HELD:
        return ""
    over = f", {days_in_words(used - agreed)} more than agreed" if used > agreed > 0 else ""
    of = f"{plain(used)} of {days_in_words(agreed)}" if agreed else days_in_words(used)
    rate = state.rates.get(designation)
    spent, planned = cost(used, rate), cost(agreed, rate)
    money = "" if spent is None or planned is None else f" Cost: {in_pounds(spent)} of {in_pounds(planned)}."
    return f"Days used: {of}{over}.{money}"


def terms_sentence(terms: Terms | None) -> str:
    """Return the dates that were agreed, or nothing."""
    if terms is None:
        return ""
    start, end = (day_in_words(one) if one else "" for one in (terms.start, terms.end))
    dates = " to ".join(filter(None, (start, end))) if start else f"until {end}" if end else ""
    review = f"review on {day_in_words(terms.review_on)}" if terms.review_on else ""
    listed = ", ".join(filter(None, (dates, review)))
    return f"Agreed: {listed}." if listed else ""


def show_support_form(kind: str, found: Deployments, asked: float, key: str) -> None:
    """Show the form for one kind of entry; a fault is shown under its field, and nothing is saved.

    Parameters
    ----------
    kind : str
        Of `support_labels`.
    found : Deployments
        Of one deployment.
    asked : float
        The days that its need asks for.
    key : str
        Begins the keys of its controls.
    """
    ((pair, words),) = found.words.items()
    terms = found.state.support.terms.get(pair)
    row = _cells_of(terms, asked) if kind == "terms" else {"on": date.today().isoformat()}
    fields = Fields(f"{kind}_{key}", row)
    with st.form(f"{kind}_form_{key}", border=False):
        _FIELDS[kind](fields)
        st.caption(_PRINTED if kind == "terms" else _PRIVATE)
        # The sentence about what is no cell of the form is above its button.
        slot = st.empty()
        pressed = st.form_submit_button(_BUTTONS[kind], type="primary")
    if not pressed:
        return
    cells = {name: cell.strip() for name, cell in fields.cells.items() if cell.strip()}
    event = new_event(kind, by=person.who(), need_id=pair[0], supporter_id=pair[1], **cells)
    faults = _faults(found.state, event, cells)
    if kind == "terms" and terms and cells == {name: cell for name, cell in row.items() if cell}:
        faults = Faults({}, ("Nothing has changed. Change a date, the days or the objectives first.",))
    if faults:
        lines = fields.show_faults(faults)
        if others := lines[len(faults.by_column) :]:
            slot.error(" ".join(others), icon=":material/error:")
        return
    record_and_confirm(found.round_, [event], *_done(found.state, event, words, asked))


def _cells_of(terms: Terms | None, asked: float) -> Cells:
    if terms is None:
        return {"days": plain(Decimal(str(asked)))} if asked else {}
    days = {"start": terms.start, "end": terms.end, "review_on": terms.review_on}
    cells = {name: one.isoformat() if one else "" for name, one in days.items()}
    return {**cells, "days": "" if terms.days is None else plain(terms.days), "objectives": terms.objectives}


def _faults(state: RoundState, event: Event, cells: Mapping[str, str]) -> Faults:
    """Return what is wrong with an entry: every date that is none, or why it is refused."""
    wrong = {}
    for column in _DAYS:
        try:
            if column in cells:
                day(cells[column])
        except CellError as fault:
            wrong[column] = f"{fault.message} {fault.fix}"
    if wrong:
        return Faults(wrong)
    problem = why_refused(state, event)
    if problem is None:
        return NO_FAULTS
    words = f"{problem.message} {problem.fix}"
    return Faults({problem.column: words}, ()) if problem.column in _COLUMNS[event.kind] else Faults({}, (words,))


def _done(state: RoundState, event: Event, words: str, asked: float) -> list[str]:
    about, pair = event.about, (event.need_id, event.supporter_id)
    if event.kind == "visit":
        days = Decimal(about["days"])
        used, agreed = state.support.days_used(pair) + days, state.support.days_agreed(pair, asked)
        done = [f"Recorded: a visit of {days_in_words(days)} in {words}."]
        if used > agreed > 0:
            over = days_in_words(used - agreed)
            done.append(f"{days_in_words(used)} are used, {over} more than agreed. You can agree on more days.")
        return done
    if event.kind == "evaluation":
        return [f"Recorded: {words} made {RATINGS[about['rating']].lower()}, says the school."]
    return [f"Recorded: {'the terms' if event.kind == 'terms' else 'a review'} of {words}."]


def _show_terms(fields: Fields) -> None:
    left, right = st.columns(2, gap="medium")
    with left:
        fields.day("start", "Starts on")
        fields.number("days", "Days agreed", step=0.25, most=1_000)
    with right:
        fields.day("end", "Ends on")
        fields.day("review_on", "Next review on")
    fields.notes("objectives", "Objectives")


def _show_visit(fields: Fields) -> None:
    fields.day("on", "On")
    fields.choice("days", "How long?", _LENGTHS)
    fields.text("by_whom", "Who was there (optional)")
    fields.notes("text", "Note (optional)")


def _show_review(fields: Fields) -> None:
    fields.day("on", "Held on")
    fields.notes("text", "What was said")


def _show_evaluation(fields: Fields) -> None:
    fields.day("on", "On")
    fields.choice("rating", "What difference did the support make, in the school's view?", RATINGS)
    fields.notes("text", "Impact, in the school's words (optional)")


_FIELDS: Mapping[str, Callable[[Fields], None]] = {
    "terms": _show_terms,
    "visit": _show_visit,
    "review": _show_review,
    "evaluation": _show_evaluation,
}
_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "terms": ("start", "end", "days", "objectives", "review_on"),
    "visit": ("on", "days", "by_whom", "text"),
    "review": ("on", "text"),
    "evaluation": ("on", "rating", "text"),
}
_BUTTONS = {
    "terms": "Save what was agreed",
    "visit": "Log the visit",
    "review": "Record the review",
    "evaluation": "Record the evaluation",
}
