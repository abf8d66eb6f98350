"""A round and its plans as values, and pure functions that return a round with a change."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from matching.errors import DataError, Problem
from matching.inputs.read import SOURCES
from matching.rounds.events import DECISIONS, ENDED, LONGEST_TEXT, Event, Pair, decisions_behind, new_event
from matching.rounds.refusals import check_event
from matching.rounds.state import state_of
from matching.tables.files import Source

_LONGEST_NAME = 200


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
    sources : mapping of str to Source
        The input files by table name, as `matching.inputs.read.read_inputs` takes them.
    files : mapping of str to bytes, or None
        The files of the accepted plan by path, as `matching.plan.as_bytes.plan_files` returns them; None until a plan
        is made from these sources.
    events : tuple of Event
        In order; `matching.rounds.state.state_of` folds them into the round's state.
    plans : tuple of PlanRecord
        Every plan that was kept, by number.
    current : int or None
        The number of the accepted plan, whose files are `files`.
    approved : int or None
        The number of the approved version that is in force.
    archived_at : datetime or None
        In UTC.
    copied_from : str or None
        The identifier of the round of which it is a copy.
    added_at : mapping of str to datetime
        When each input file was added, by table name, in UTC.
    """

    round_id: str
    name: str
    created_at: datetime
    revision: int
    # The contents name people and must not reach a log through a repr.
    sources: Mapping[str, Source] = field(repr=False)
    files: Mapping[str, bytes] | None = field(repr=False)
    events: tuple[Event, ...] = field(default=(), repr=False)
    plans: tuple[PlanRecord, ...] = ()
    current: int | None = None
    approved: int | None = None
    archived_at: datetime | None = None
    copied_from: str | None = None
    added_at: Mapping[str, datetime] = field(default_factory=dict, repr=False)

    @property
    def last_event(self) -> int:
        """The number of its last event."""
        return len(self.events)


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


def is_decision(event: Event) -> bool:
    """Return whether an event changes who serves or may serve a need; notes and most statuses do not."""
    return (
        event.kind in DECISIONS
        and event.kind != "note"
        and (event.kind != "status" or event.about.get("status") in ENDED)
    )


def with_events(owner: Round, events: Sequence[Event], now: datetime) -> Round:
    """Return the round after these events, which get their numbers and time here.

    Raises
    ------
    DataError
        A text is too long.
    """
    longest = max((len(text) for one in events for text in (one.by, one.why, *one.about.values())), default=0)
    if longest > LONGEST_TEXT:
        raise refused(f"A text has {longest:,} characters, and the limit is {LONGEST_TEXT:,}.", "Shorten it.")
    numbered = (
        replace(one, number=number, at=now, about=dict(one.about))
        for number, one in enumerate(events, start=owner.last_event + 1)
    )
    # The store raises the revision once for each change, however many events it has.
    return replace(owner, events=(*owner.events, *numbered))


def with_entry(owner: Round, entry: Sequence[Event], now: datetime) -> Round:
    """Return the round after decisions and undos, each of which is checked in the state before it.

    Raises
    ------
    DataError
        One is refused (`matching.rounds.refusals.why_refused`), or the round is approved: then only notes and statuses
        that end no deployment are recorded or undone.
    """
    behind, changed, state = decisions_behind(owner.events), owner, state_of(owner.events)
    recorded: set[Pair] = set()
    for event in entry:
        if is_decision(event if event.undoes is None else behind.get(event.undoes, event)):
            refuse_approved(owner)
        # Only what was recorded about the same pair can refuse a decision, so a long list of them needs one state.
        if event.pair in recorded or (event.undoes is not None and changed is not owner):
            state = state_of(changed.events)
        check_event(state, event)
        changed = with_events(changed, [event], now)
        recorded |= {event.pair} if event.pair else set()
    return changed


def with_sources(
    seen: Round, sources: Mapping[str, Source], by: str, why: str, now: datetime, *, even_if_equal: bool = False
) -> Round:
    """Return the round with these input files, and an event that names those that changed."""
    names = [one for one in {**seen.sources, **sources} if seen.sources.get(one) != sources.get(one)]
    if not names and not even_if_equal:
        return seen
    digests = [sources[one].sha256 if one in sources else "" for one in names]
    event = new_event("files", by=by, why=why, tables=";".join(names), sha256=";".join(digests))
    added_at = {one: now if one in names else seen.added_at[one] for one in sources}
    return replace(with_events(seen, [event], now), sources=dict(sources), added_at=added_at)


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


def accepted(seen: Round, record: PlanRecord, files: Mapping[str, bytes], by: str, why: str, now: datetime) -> Round:
    """Return the round with one of its plans as the accepted one."""
    event = new_event("plan", by=by, why=why, plan=str(record.number), after=str(record.after))
    return replace(with_events(seen, [event], now), files=dict(files), current=record.number)


def copied(original: Round, name: str, by: str, decisions: bool, now: datetime) -> Round:
    """Return a new round like another; its decisions come before or after its plan as they did there."""
    begun = Round(secrets.token_hex(8), name, now, 1, original.sources, None, copied_from=original.round_id)
    begun = replace(begun, added_at=dict.fromkeys(original.sources, now))
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
        if one.kind in (*DECISIONS, "undo"):
            number_of[one.number] = len(taken) + 1
            undoes = None if one.undoes is None else number_of[one.undoes]
            taken.append(replace(one, number=len(taken) + 1, undoes=undoes))
    return replace(begun, events=tuple(taken))
