"""Entries of two people: whether one can be recorded on top of what another recorded meanwhile."""

from collections.abc import Sequence

from matching.rounds.history.events import ENTRIES, SETTINGS, Event, decisions_behind

# A name and a plan kept for comparison change nothing that a decision is about.
_ABOUT_NO_DECISION = ("named", "scenario")

_SUBJECTS = {"needs": "need", "supporters": "supporter", "accreditation": "supporter"}


def can_merge(seen: Sequence[Event], meanwhile: Sequence[Event], entry: Sequence[Event]) -> bool:
    """Return whether an entry can be recorded although other events came after those that the user saw.

    It can if they are decisions about other needs and other supporters, or change other rows of the register. The state
    is then the same whichever was recorded first. After a change of whole tables, the plan or the approval it cannot.

    Parameters
    ----------
    seen : sequence of Event
        The history when the entry was made, in order.
    meanwhile : sequence of Event
        What was recorded after it.
    entry : sequence of Event
        Decisions, changes of rows, or undos of events in `seen`.
    """
    decided = [one for one in meanwhile if one.kind not in _ABOUT_NO_DECISION]
    last = seen[-1].number if seen else 0
    history = (*seen, *meanwhile)
    if not decided or not entry:
        return True
    if any((one.undoes or 0) > last for one in entry):
        return False
    # An undo of what is about the whole round, such as accepting a plan, is about the whole round too.
    if any(one.kind not in (*ENTRIES, "undo") for one in _about([*decided, *entry], history)):
        return False
    return _subjects(decided, history).isdisjoint(_subjects(entry, history))


def _about(events: Sequence[Event], history: Sequence[Event]) -> list[Event]:
    """Return what each event is about: itself or, for an undo, what it undoes or brings back."""
    behind = decisions_behind(history)
    return [one if one.undoes is None else behind.get(one.undoes, one) for one in events]


def _subjects(events: Sequence[Event], history: Sequence[Event]) -> set[tuple[str, str]]:
    """Return the needs and the supporters that events are about, each with the word for what it is.

    An undo can bring an earlier supporter back to its need, so it is about everyone who was ever named there.
    """
    about = _about(events, history)
    reopened = {decision.need_id for one, decision in zip(events, about, strict=True) if one is not decision} - {""}
    named = [*about, *(one for one in history if one.need_id in reopened)]
    needs = {("need", one.need_id) for one in named}
    people = {("supporter", who) for one in named for who in (one.supporter_id, one.about.get("replaces", ""))}
    settings = {("setting", f"{one.kind} {one.about.get('name', '')}") for one in about if one.kind in SETTINGS}
    rows = {(_SUBJECTS[row.table], row.key[0]) for one in about for row in one.changes}
    return {subject for subject in needs | people | rows | settings if subject[1]}
