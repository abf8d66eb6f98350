"""Refusals: what cannot be recorded in a round, given its state, each with its fix."""

from matching.errors import DataError, Problem, shown
from matching.rounds.history.events import (
    ENDED,
    ENTRIES,
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
    return why_unsound(event) or (_undo_problem if event.kind == "undo" else _bar_problem)(state, event)


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
    if event.kind == "note":
        return _note_problem(event)
    if missing := next((column for column in ("need_id", "supporter_id") if not event.about.get(column)), ""):
        return _refusal(event, missing, "", "The need or the supporter is missing.", f"Give the {missing}.")
    status = event.about.get("status", "")
    if event.kind == "status" and status not in STATUSES:
        fix = f"Known are: {', '.join(STATUSES)}."
        return _refusal(event, "status", status, f"{shown(status)} is not a known status.", fix)
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
