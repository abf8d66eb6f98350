"""A round and its plans as values, and pure functions that return a round with a change."""

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

from matching.errors import DataError, Problem
from matching.inputs.read import SOURCES
from matching.rounds.history.events import (
    DECISIONS,
    DESK,
    ENDED,
    LONGEST_TEXT,
    SETTINGS,
    UNDOABLE,
    Event,
    decisions_behind,
    new_event,
    undone_events,
)
from matching.rounds.history.refusals import check_event
from matching.rounds.history.state import state_of
from matching.rounds.register import GivenFiles, change_problem, changed_by, register
from matching.tables.contacts import UNREAD
from matching.tables.files import Source

_LONGEST_NAME = 200
# In place of the pair of an event that bears on all of them.
_EVERY_PAIR = ("", "")


@dataclass(frozen=True)
class PlanRecord:
    """A plan of a round, without its files.

    Attributes
    ----------
    number : int
        Within the round, from 1.
    kind : str
        `optimised`, `scenario` (a plan kept for comparison) or `approved` (as it was approved).
    name : str
        Of a scenario; otherwise blank.
    made_at : datetime
        In UTC.
    made_by, note : str
    after : int
        The last event that it takes account of.
    """

    number: int
    kind: str
    name: str
    made_at: datetime
    made_by: str = field(repr=False)
    note: str = field(repr=False)
    after: int


@dataclass(frozen=True)
class Round:
    """One allocation exercise, as it was when it was read from the store.

    Attributes
    ----------
    round_id : str
        Random, so that a round cannot be found by guessing.
    name : str
    created_at : datetime
        In UTC.
    revision : int
        Rises with every change; a change that starts from an earlier one is refused.
    given : GivenFiles
        The files that it was given, from which its history makes the register.
    files : mapping of str to bytes, or None
        The files of the accepted plan by path, as `matching.plan.as_bytes.plan_files` returns them; None without one.
    events : tuple of Event
        In order; `matching.rounds.history.state.state_of` folds them into the round's state.
    plans : tuple of PlanRecord
        Every plan that was kept, by number.
    approved : int or None
        The number of the approved version that is in force.
    archived_at : datetime or None
        In UTC.
    copied_from : str or None
        The identifier of the round of which it is a copy.
    """

    round_id: str
    name: str
    created_at: datetime
    revision: int
    # The contents name people and must not reach a log through a repr.
    given: GivenFiles = field(repr=False)
    files: Mapping[str, bytes] | None = field(default=None, repr=False)
    events: tuple[Event, ...] = field(default=(), repr=False)
    plans: tuple[PlanRecord, ...] = ()
    approved: int | None = None
    archived_at: datetime | None = None
    copied_from: str | None = None

    @property
    def last_event(self) -> int:
        """The number of its last event."""
        return len(self.events)

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """The register: its tables as they stand, by name, as `matching.inputs.read.read_inputs` takes them."""
        return register(self.given, self.events)

    @cached_property
    def current(self) -> int | None:
        """The number of the accepted plan, whose files are `files`."""
        return state_of(self.events).plan

    @cached_property
    def added_at(self) -> Mapping[str, datetime]:
        """When each table was given or last changed, in UTC."""
        last = changed_by(self.given, self.events)
        return {
            name: self.events[last[name] - 1].at if last.get(name) else self.given.added_at.get(name, self.created_at)
            for name in self.sources
        }


@dataclass(frozen=True)
class RoundSummary:
    """A row of the list of rounds; times are in UTC, and a round that is `allocated` has a plan."""

    round_id: str
    name: str
    created_at: datetime
    allocated: bool
    approved: bool = False
    archived_at: datetime | None = None


# ---- changes -------------------------------------------------------------------------------------------------------


def refused(message: str, fix: str) -> DataError:
    """Return the error for something that cannot be done with a round, and what to do instead."""
    return DataError([Problem("round", None, "", "", message, fix)])


def name_fault(name: str) -> str:
    """Return what is wrong with the name of a round, as a sentence; blank if nothing is."""
    if not name.strip():
        return "The name of the round is blank."
    if len(name) > _LONGEST_NAME:
        return f"The name of the round has {len(name):,} characters, and the limit is {_LONGEST_NAME}."
    return ""


def check_name(name: str) -> None:
    """Refuse a name that a round cannot have.

    Raises
    ------
    DataError
    """
    if fault := name_fault(name):
        raise refused(fault, f"Give it a name of up to {_LONGEST_NAME} characters.")


def refuse_approved(seen: Round) -> None:
    """Refuse a change of an approved round.

    Raises
    ------
    DataError
        It is approved.
    """
    if seen.approved is not None:
        message = "The round is approved, so its tables, plans and decisions cannot be changed."
        raise refused(message, "Reopen the round first.")


def reopened(owner: Round, *, by: str, why: str, now: datetime) -> Round:
    """Return an approved round as one that can be changed again."""
    event = new_event("reopened", by=by, why=why, plan=str(owner.approved))
    return replace(with_events(owner, [event], now), approved=None)


def is_decision(event: Event) -> bool:
    """Return whether an event changes who serves or may serve a need.

    Notes, settings, contacts and how a deployment gets on do not, but for a status that ends it.
    """
    if event.kind == "status":
        return event.about.get("status") in ENDED
    changes_nothing = event.kind in ("note", *DESK, *SETTINGS) or _changes_nothing_read(event)
    return event.kind in UNDOABLE and not changes_nothing


def _changes_nothing_read(event: Event) -> bool:
    return bool(event.changes) and all(
        one.before is not None and one.after is not None and {*one.after} <= {*UNREAD.get(one.table, ())}
        for one in event.changes
    )


def with_events(owner: Round, events: Sequence[Event], now: datetime) -> Round:
    """Return the round after these events, which get their numbers and time here.

    Raises
    ------
    DataError
        A text is too long.
    """
    texts = (text for one in events for text in (one.by, one.why, *one.about.values(), *_cells(one)))
    longest = max(map(len, texts), default=0)
    if longest > LONGEST_TEXT:
        raise refused(f"A text has {longest:,} characters, and the limit is {LONGEST_TEXT:,}.", "Shorten it.")
    numbered = (
        replace(one, number=number, at=now, about=dict(one.about))
        for number, one in enumerate(events, start=owner.last_event + 1)
    )
    # The store raises the revision once for each change, however many events it has.
    return replace(owner, events=(*owner.events, *numbered))


def _cells(event: Event) -> Iterator[str]:
    for one in event.changes:
        yield from (*one.key, *(one.before or {}).values(), *(one.after or {}).values())


def with_entry(owner: Round, entry: Sequence[Event], now: datetime) -> Round:
    """Return the round after decisions, changes of rows and undos, each of which is checked in the state before it.

    Raises
    ------
    DataError
        One is refused (`history.refusals.why_refused`, `register.change_problem`), or the round is approved: then no
        decision (`is_decision`) is recorded or undone.
    """
    behind, changed, state = decisions_behind(owner.events), owner, state_of(owner.events)
    # What was recorded about different things is undone, or brought back, without a state for each. A day of visits
    # may be full when one comes back.
    undone = [behind[one.undoes] for one in entry if one.undoes in behind]
    is_together = len({one.number for one in undone if one.kind != "visit"}) == len(entry)
    recorded: set[tuple[str, ...]] = set()
    for event in entry:
        if is_decision(event if event.undoes is None else behind.get(event.undoes, event)):
            refuse_approved(owner)
        # Only what was recorded about the same pair can refuse a decision, and a visit another one of that person and
        # day, so a long list of them needs one state.
        if recorded & {event.pair or (), _EVERY_PAIR, _visit_day(event)} or (
            event.undoes is not None and changed is not owner and not is_together
        ):
            state = state_of(changed.events)
        check_event(state, event)
        if event.changes and (problem := change_problem(changed.sources, event)):
            raise DataError([problem])
        if event.undoes is not None:
            _refuse_replaced(changed, event.undoes)
        changed = with_events(changed, [event], now)
        # No refusal depends on a message: an approach of many would need a state for each of them.
        if event.kind == "message":
            continue
        recorded.add(_visit_day(event) or (_EVERY_PAIR if event.kind == "desk" else event.pair or ()))
        recorded.discard(())
    return changed


def _visit_day(event: Event) -> tuple[str, ...]:
    """Return the supporter and the day of a visit, and nothing for another event."""
    return ("visit", event.supporter_id, event.about.get("on", "")) if event.kind == "visit" else ()


def _refuse_replaced(owner: Round, number: int) -> None:
    """Refuse to undo a change of tables that were all replaced as a whole since: that would have no effect."""
    undone, _ = undone_events(owner.events)
    target = owner.events[number - 1]
    tables = {*owner.given.replaced.get(number, ()), *(one.table for one in target.changes)}
    later = {
        table: one
        for one, files in owner.given.replaced.items()
        if one > number and one not in undone
        for table in files
    }
    # Undoing the acceptance of a plan has an effect whatever became of the files that the plan brought.
    if tables and tables <= {*later} and target.kind != "plan":
        last = max(later[one] for one in tables)
        message = f"The table that event {number} changed was replaced since by event {last}."
        raise refused(message, f"Undo event {last} first.")


def with_sources(seen: Round, sources: Mapping[str, Source], by: str, why: str, now: datetime) -> Round:
    """Return the round with these input files, and an event that gives those that changed."""
    files = _differing(seen, sources)
    if not files:
        return seen
    return _with_files(with_events(seen, [new_event("replaced", by=by, why=why, tables=";".join(files))], now), files)


def _differing(seen: Round, sources: Mapping[str, Source]) -> dict[str, Source | None]:
    return {one: sources.get(one) for one in SOURCES if seen.sources.get(one) != sources.get(one)}


def _with_files(changed: Round, files: Mapping[str, Source | None]) -> Round:
    """Return the round with files that its last event gave."""
    replaced = {**changed.given.replaced, changed.last_event: dict(files)} if files else changed.given.replaced
    return replace(changed, given=replace(changed.given, replaced=replaced))


def sources_after_run(seen: Round, run: Mapping[str, Source]) -> dict[str, Source]:
    """Return the round's own files once a plan made from the files of a run is accepted.

    Only the run's policy becomes the round's own: decisions remain events, which can be undone.
    """
    own = {**seen.sources, **{name: one for name, one in run.items() if name == "policy"}}
    return {name: own[name] for name in SOURCES if name in own}


def with_plan(
    seen: Round, kind: str, name: str, by: str, note: str, after: int, now: datetime
) -> tuple[Round, PlanRecord]:
    """Return the round with one more plan, and that plan."""
    record = PlanRecord(len(seen.plans) + 1, kind, name, now, by, note, after)
    return replace(seen, plans=(*seen.plans, record)), record


def accepted(
    seen: Round,
    record: PlanRecord,
    files: Mapping[str, bytes],
    by: str,
    why: str,
    now: datetime,
    sources: Mapping[str, Source] | None = None,
) -> Round:
    """Return the round with one of its plans as the accepted one, and with the files that the plan brings."""
    given = {} if sources is None else _differing(seen, sources)
    event = new_event("plan", by=by, why=why, plan=str(record.number), after=str(record.after))
    return _with_files(replace(with_events(seen, [event], now), files=dict(files)), given)


def copied(original: Round, name: str, by: str, decisions: bool, now: datetime) -> Round:
    """Return a new round like another, with its tables as they stand.

    Its decisions come before or after its plan as they did there. Changes of its tables are not among them.
    """
    given = GivenFiles(original.sources, {}, dict.fromkeys(original.sources, now))
    begun = Round(secrets.token_hex(8), name, now, 1, given, copied_from=original.round_id)
    first = new_event("copied", by=by, round=original.round_id, name=original.name)
    begun = with_events(begun, [first], now)
    planned = state_of(original.events).planned
    number_of: dict[int, int] = {}
    if decisions:
        begun = _with_decisions(begun, [one for one in original.events if one.number <= planned], number_of)
    if original.files is not None and original.current is not None:
        record = original.plans[original.current - 1]
        begun, plan = with_plan(begun, record.kind, record.name, by, record.note, begun.last_event, now)
        begun = accepted(begun, plan, original.files, by, "", now)
    if decisions:
        begun = _with_decisions(begun, [one for one in original.events if one.number > planned], number_of)
    return begun


def _with_decisions(begun: Round, events: Sequence[Event], number_of: dict[int, int]) -> Round:
    """Return the round with another's decisions after its own events; `number_of` receives new numbers by old ones."""
    taken = list(begun.events)
    for one in events:
        if one.kind in (*DECISIONS, *SETTINGS) or one.undoes in number_of:
            number_of[one.number] = len(taken) + 1
            undoes = None if one.undoes is None else number_of[one.undoes]
            taken.append(replace(one, number=len(taken) + 1, undoes=undoes))
    return replace(begun, events=tuple(taken))
