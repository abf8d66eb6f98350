"""Refusals: what cannot be recorded in a round, given its state, each with its fix."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import chain

from matching.errors import DataError, Problem, shown
from matching.rounds.desk.money import rates_of
from matching.rounds.desk.moves import move_problem
from matching.rounds.desk.settings import PARTIES, desk_settings
from matching.rounds.desk.support_rules import support_problem, unsound_support
from matching.rounds.desk.templates import KINDS as MESSAGES
from matching.rounds.desk.templates import TemplateError, Words, check_words
from matching.rounds.history.events import (
    ANSWERS,
    ENDED,
    ENTRIES,
    EXTENTS,
    KINDS,
    LONGEST_TEXT,
    ROW_CHANGES,
    STATUSES,
    UNDOABLE,
    Event,
)
from matching.rounds.history.state import RoundState
from matching.tables.cell_values import CellError, free_text, identifier, text

_LONGEST_NAME = 200


def check_event(state: RoundState, event: Event) -> None:
    """Raise if an event cannot be recorded.

    Raises
    ------
    DataError
        With what `why_refused` finds.
    """
    if problem := why_refused(state, event):
        raise DataError([problem])


def why_refused(state: RoundState, event: Event) -> Problem | None:
    """Return why an event cannot be recorded in this state, or None if it can.

    Parameters
    ----------
    state : RoundState
        Before the event.
    event : Event
        Of one of the kinds in `ENTRIES`, or an undo.
    """
    if problem := why_unsound(event):
        return problem
    if event.kind == "undo":
        return _undo_problem(state, event) or support_problem(state, event)
    return _bar_problem(state, event) or move_problem(state, event) or support_problem(state, event)


def why_unsound(event: Event) -> Problem | None:
    """Return what is wrong with a decision or an undo in any state, or None."""
    if event.kind == "undo":
        return _text_problem(event)
    if event.kind not in ENTRIES:
        fix = f"Known are: {', '.join((*ENTRIES, 'undo'))}."
        return _refusal(event, "kind", event.kind, f"{shown(event.kind)} is not a decision that can be recorded.", fix)
    return _text_problem(event) or _form_problem(event)


def _refusal(event: Event, column: str, value: str, message: str, fix: str) -> Problem:
    return Problem(KINDS.get(event.kind, "decision"), None, column, value, message, fix)


def _text_problem(event: Event) -> Problem | None:
    """Return what in the text of an event could not be kept or read back from a table."""
    cells = [
        ("by", event.by, text, _LONGEST_NAME),
        ("why", event.why, free_text, LONGEST_TEXT),
        *(
            (name, value, identifier if name in ("need_id", "supporter_id") else free_text, LONGEST_TEXT)
            for name, value in event.about.items()
        ),
    ]
    for column, value, convert, longest in cells:
        if len(value) > longest:
            message = f"The text has {len(value):,} characters, and the limit is {longest:,}."
            return _refusal(event, column, value[:longest], message, "Shorten it.")
        try:
            if value:
                convert(value)
        except CellError as fault:
            return _refusal(event, column, value, fault.message, fault.fix)
    return None


def _undo_problem(state: RoundState, event: Event) -> Problem | None:
    target = state.event(event.undoes)
    value = "" if event.undoes is None else str(event.undoes)
    if target is None:
        fix = "Choose one from the round's history."
        return _refusal(event, "undoes", value, "There is no such event in this round.", fix)
    if target.kind == "files":
        message = f"Event {value} was recorded by an earlier version, which did not keep the tables before it."
        return _refusal(event, "undoes", value, message, "Upload the earlier tables again.")
    if target.kind not in UNDOABLE:
        message = f"Event {value} ({KINDS[target.kind]}) cannot be undone."
        return _refusal(event, "undoes", value, message, "Change the round itself instead.")
    if target.number in state.undone:
        message, fix = f"Event {value} is undone already.", "To redo it, undo the undoing."
        return _refusal(event, "undoes", value, message, fix)
    return None


def _form_problem(event: Event) -> Problem | None:
    """Return what an event lacks that its kind needs."""
    if event.undoes is not None:
        return _refusal(event, "undoes", str(event.undoes), "Only an undo can undo an event.", "Undo it instead.")
    if event.changes or event.kind in ROW_CHANGES:
        return _changes_problem(event)
    if event.kind in _WITHOUT_PAIR:
        return _WITHOUT_PAIR[event.kind](event)
    if missing := next((column for column in ("need_id", "supporter_id") if not event.about.get(column)), ""):
        return _refusal(event, missing, "", "The need or the supporter is missing.", f"Give the {missing}.")
    return next(chain(_day_problems(event), _PROBLEMS.get(event.kind, _no_problems)(event)), None)


def _consent_problems(event: Event) -> Iterator[Problem]:
    """Yield what is wrong with a consent; a supporter who says no has declined."""
    party, answer, extent = (event.about.get(name, "") for name in ("party", "answer", "extent"))
    if party not in PARTIES:
        yield _refusal(event, "party", party, "It is not known who consented.", f"Known are: {', '.join(PARTIES)}.")
    if answer not in ANSWERS:
        yield _refusal(event, "answer", answer, f"{shown(answer)} is no answer.", "Give yes or no.")
    if party == "supporter" and answer == "no":
        yield _refusal(event, "answer", answer, "A supporter who says no declines.", "Record that they declined.")
    if party == "home school" and answer == "no" and extent not in EXTENTS:
        fix = f"Known are: {', '.join(EXTENTS)}."
        yield _refusal(event, "extent", extent, "It is not known how far the no of the home school goes.", fix)
    if extent == "until" and not event.about.get("until"):
        yield _refusal(event, "until", "", "The last day of the home school's no is missing.", "Give the day.")


def _status_problems(event: Event) -> Iterator[Problem]:
    status = event.about.get("status", "")
    if status not in STATUSES:
        fix = f"Known are: {', '.join(STATUSES)}."
        yield _refusal(event, "status", status, f"{shown(status)} is not a known status.", fix)


def _message_problems(event: Event) -> Iterator[Problem]:
    if problem := _unknown_message(event, "template"):
        yield problem


def _unknown_message(event: Event, column: str) -> Problem | None:
    name = event.about.get(column, "")
    if name in MESSAGES:
        return None
    return _refusal(event, column, name, f"{shown(name)} is no kind of message.", f"Known are: {', '.join(MESSAGES)}.")


def _no_problems(_: Event) -> Iterator[Problem]:
    yield from ()


_PROBLEMS: Mapping[str, Callable[[Event], Iterator[Problem]]] = {
    "status": _status_problems,
    "consent": _consent_problems,
    "message": _message_problems,
    **dict.fromkeys(("terms", "visit", "review", "evaluation"), unsound_support),
}


def _day_problems(event: Event) -> Iterator[Problem]:
    for column in ("on", "until", "start", "end", "review_on"):
        written = event.about.get(column)
        try:
            is_day = written is None or date.fromisoformat(written).isoformat() == written
        except ValueError:
            is_day = False
        if not is_day:
            yield _refusal(
                event, column, written or "", f"{shown(written or '')} is not a day.", "Give it as 2026-01-31."
            )


def _settings_problem(event: Event) -> Problem | None:
    try:
        desk_settings(event.about)
    except ValueError as error:
        message, name = error.args
        return _refusal(event, name, event.about.get(name, ""), message, "Change this setting.")
    return None


def _template_problem(event: Event) -> Problem | None:
    """Return what is wrong with the words of a message; without any they are the default ones."""
    if problem := _unknown_message(event, "name"):
        return problem
    subject, written = event.about.get("subject"), event.about.get("text")
    if subject is None and written is None:
        return None
    try:
        check_words(Words(subject or "", written or ""))
    except TemplateError as error:
        return _refusal(event, error.column, event.about.get(error.column, ""), error.message, error.fix)
    return None


def _changes_problem(event: Event) -> Problem | None:
    if event.changes and event.kind in ROW_CHANGES:
        return None
    if event.changes:
        return _refusal(event, "kind", event.kind, "A decision changes no table.", "Change the row by itself.")
    return _refusal(event, "kind", event.kind, "Nothing would be changed.", "Change a cell first.")


def _note_problem(event: Event) -> Problem | None:
    if not event.need_id and not event.supporter_id:
        return _refusal(event, "need_id", "", "The note names no need and no supporter.", "Choose one of them.")
    if not event.about.get("text", "").strip():
        return _refusal(event, "text", "", "The note is blank.", "Write the note first.")
    return None


def _rates_problem(event: Event) -> Problem | None:
    try:
        rates_of(event.about)
    except ValueError as error:
        message, fix, name = error.args
        return _refusal(event, name, event.about.get(name, ""), message, fix)
    return None


_WITHOUT_PAIR: Mapping[str, Callable[[Event], Problem | None]] = {
    "note": _note_problem,
    "desk": _settings_problem,
    "rates": _rates_problem,
    "template": _template_problem,
}


def _bar_problem(state: RoundState, event: Event) -> Problem | None:
    """Return the decision because of which a supporter cannot be placed at a need or serve it, if there is one."""
    pair = event.pair
    bar = state.barred.get(pair) if pair and event.kind in ("pin", "swap", "status") else None
    if pair is None or bar is None:
        return None
    if event.kind == "status":
        # A later status replaces a status, but not a decision, unless the supporter was placed against it by name.
        cause = state.event(bar.number)
        if event.about["status"] in ENDED or cause is None or cause.kind == "status" or state.is_placed(pair):
            return None
    elif bar.rule in event.about.get("broken", "").split(";"):
        return None
    verb = "is forbidden for" if bar.kind == "forbid" else "has declined"
    message = f"{bar.supporter_id} {verb} need {bar.need_id} (event {bar.number})."
    fix = "Undo that first, place them by hand and tick this rule, or choose another supporter."
    return _refusal(event, "supporter_id", bar.supporter_id, message, fix)
