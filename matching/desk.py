"""The coordinator's desk: what was decided about a round, event by event, and what holds of it now.

Pure: events come from `rounds`, which keeps them for good. What a decision does to a plan is the business of the
solver, which reads the decisions table that is made here.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from types import MappingProxyType

import pandas as pd

from matching.errors import DataError, Problem, shown
from matching.export import csv_bytes
from matching.files import Source, read_sheet
from matching.plan import spreadsheet_safe
from matching.tables import CellError, free_text, identifier, known_columns, read_table, table_formats, text
from matching.vocabulary import standard_vocabulary

KINDS: Mapping[str, str] = MappingProxyType(
    {
        "pin": "pinned",
        "forbid": "forbidden",
        "declined": "declined",
        "swap": "placed by hand",
        "note": "note",
        "status": "status",
        "undo": "undone",
        "created": "round begun",
        "files": "tables changed",
        "plan": "plan accepted",
        "scenario": "scenario kept",
        "approved": "plan approved",
        "reopened": "reopened",
        "named": "renamed",
        "archived": "archived",
        "restored": "restored",
        "copied": "copied from another round",
    }
)
"""Every kind of event, in words for people.

`pin`, `forbid` and `declined` are about a need_id and a supporter_id. So is `swap`: somebody is put in by hand;
`replaces` is the supporter before (or blank), and `broken` names the rules that it breaks and that were ticked,
separated by ';'. A `note` is about a need_id, a supporter_id or both, with its `text`. A `status` gives the `status` of
a supporter_id at a need_id. `undo` takes back the event that it names in `undoes`. The others happen to the round as
such, and `rounds` writes them; `plan` says in `after` which was the last event that the plan knows of.
"""

DECISIONS = ("pin", "forbid", "declined", "swap", "note", "status")
"""The kinds that a person records, and that can be undone; so can an undo."""

STATUSES = ("proposed", "approached", "agreed", "active", "completed", "declined", "withdrawn")
"""Where a deployment stands; the first is what it is until somebody says otherwise."""

HELD = ("agreed", "active", "completed")
"""The statuses that a new plan must not break."""

ENDED = ("declined", "withdrawn")
"""The statuses that bar the supporter from the need, and leave it free."""

DECLINE_REASONS = (
    "No time at present",
    "Too far to travel",
    "Knows the school too well (conflict of interest)",
    "Change of job",
    "Illness or leave",
    "The school prefers somebody else",
    "Other",
)

Pair = tuple[str, str]
"""A need_id and a supporter_id."""

_LONGEST_NAME, _LONGEST_TEXT = 200, 4_000


@dataclass(frozen=True)
class Event:
    """One thing that happened to a round.

    Attributes
    ----------
    number : int
        Within the round, from 1; 0 until the round's store has taken it.
    at : datetime
        In UTC.
    by : str
        Who did it.
    kind : str
        One of `KINDS`.
    why : str
    about : mapping of str to str
    undoes : int or None
        The number of the event that this one takes back.
    """

    number: int
    at: datetime
    # Who, why and about whom name people and must not reach a log through a repr.
    by: str = field(repr=False)
    kind: str
    why: str = field(repr=False)
    about: Mapping[str, str] = field(repr=False)
    undoes: int | None = None

    @property
    def need_id(self) -> str:
        """The need that it is about, or blank."""
        return self.about.get("need_id", "")

    @property
    def supporter_id(self) -> str:
        """The supporter that it is about, or blank."""
        return self.about.get("supporter_id", "")

    @property
    def pair(self) -> Pair | None:
        """The need and the supporter, where it is about both."""
        return (self.need_id, self.supporter_id) if self.need_id and self.supporter_id else None


@dataclass(frozen=True)
class Placement:
    """A supporter whom a person put at a need, with a pin or by hand (`kind` pin or swap).

    `number` is the event's; `since` is the event from which on it holds, which is a later one where it was undone and
    then put back. `on` is the day in UTC.
    """

    need_id: str
    supporter_id: str
    kind: str
    number: int
    since: int
    reason: str = field(repr=False)
    by: str = field(repr=False)
    on: date
    replaces: str = ""
    broken: tuple[str, ...] = ()

    @property
    def pair(self) -> Pair:
        """The need and the supporter."""
        return (self.need_id, self.supporter_id)


@dataclass(frozen=True)
class Bar:
    """A supporter who must not serve a need: `kind` is forbid or declined; `on` is the day, where it is known."""

    need_id: str
    supporter_id: str
    kind: str
    number: int
    reason: str = field(repr=False)
    by: str = field(repr=False)
    on: date | None

    @property
    def pair(self) -> Pair:
        """The need and the supporter."""
        return (self.need_id, self.supporter_id)


@dataclass(frozen=True)
class Desk:
    """What holds after a round's events; made by `desk_of`.

    Attributes
    ----------
    events : tuple of Event
        All of them, in order.
    undone : frozenset of int
        The numbers of the events that do not hold.
    pins, swaps : mapping of str to Placement
        By need_id; a need is in one of them at most.
    freed : mapping of str to Placement
        The last placements of needs that fell to a bar, by need_id.
    barred : mapping of Pair to Bar
    notes : tuple of Event
    statuses : mapping of Pair to str
        As they were set; `status_of` knows the default.
    touched : mapping of Pair to int
        The last event that changed anything about a pair, an undo included.
    planned : int
        The last event that the accepted plan knows of; 0 before there is one.
    """

    events: tuple[Event, ...] = field(default=(), repr=False)
    undone: frozenset[int] = frozenset()
    pins: Mapping[str, Placement] = field(default_factory=dict)
    swaps: Mapping[str, Placement] = field(default_factory=dict)
    freed: Mapping[str, Placement] = field(default_factory=dict)
    barred: Mapping[Pair, Bar] = field(default_factory=dict)
    notes: tuple[Event, ...] = field(default=(), repr=False)
    statuses: Mapping[Pair, str] = field(default_factory=dict)
    touched: Mapping[Pair, int] = field(default_factory=dict)
    planned: int = 0

    @property
    def placements(self) -> dict[str, Placement]:
        """Pins and swaps together, by need_id."""
        return {**self.pins, **self.swaps}

    def status_of(self, need_id: str, supporter_id: str) -> str:
        """Where a deployment stands."""
        pair = (need_id, supporter_id)
        set_to = self.statuses.get(pair, STATUSES[0])
        bar = self.barred.get(pair)
        return "declined" if bar and bar.kind == "declined" and set_to not in ENDED else set_to

    def event(self, number: int | None) -> Event | None:
        """The event of this number, or None where there is none."""
        return next((one for one in self.events if one.number == number), None)


def new_event(kind: str, *, by: str, why: str = "", **about: str) -> Event:
    """An event that is to be recorded: `rounds` gives it its number and its time."""
    return Event(0, datetime.now(UTC), by, kind, why, about)


# ---- the fold ------------------------------------------------------------------------------------------------------


def desk_of(events: Iterable[Event]) -> Desk:
    """What holds after these events.

    Parameters
    ----------
    events : iterable of Event
        Of one round, by number from 1.

    Notes
    -----
    It is what the events that were not undone leave, taken in the order of their numbers:

    - An event holds unless an undo of it holds. So an undo of an undo puts the event back, in its old place in the
      order: a pin that another has replaced in the meantime stays replaced.
    - The last placement (pin or swap) of a need is the one that counts. Undoing it brings the one before back; a bar
      on it does not, but leaves the need free.
    - A bar beats every placement of the same pair, in whatever order they came. A `forbid` or `declined` stands until
      it is undone; a status `declined` or `withdrawn` bars while it is the pair's last status.
    - So an event on which later ones rest may be undone: each of those stays as it is, and counts by the same rules.
    """
    ordered = tuple(events)
    undone, since = _standing(ordered)
    holding = [one for one in ordered if one.number not in undone]
    statuses = {one.pair: one for one in holding if one.kind == "status" and one.pair}
    barred = _bars(holding, statuses)
    placed = _placed(holding, since)
    stands = {need_id: one for need_id, one in placed.items() if one.pair not in barred}
    plans = [one for one in ordered if one.kind == "plan"]
    return Desk(
        events=ordered,
        undone=undone,
        pins={need_id: one for need_id, one in stands.items() if one.kind == "pin"},
        swaps={need_id: one for need_id, one in stands.items() if one.kind == "swap"},
        freed={need_id: one for need_id, one in placed.items() if need_id not in stands},
        barred=barred,
        notes=tuple(one for one in holding if one.kind == "note"),
        statuses={pair: one.about["status"] for pair, one in statuses.items()},
        touched=_touched(ordered),
        planned=int(plans[-1].about.get("after", plans[-1].number)) if plans else 0,
    )


def _standing(events: Sequence[Event]) -> tuple[frozenset[int], dict[int, int]]:
    """The events that do not hold, and for every event the last one that had a say in whether it does."""
    undone: set[int] = set()
    last = {one.number: one.number for one in events}
    # An undo names an earlier event, so from the back it is known of every undo whether it holds itself.
    for one in reversed(events):
        if one.undoes is not None:
            last[one.undoes] = max(last.get(one.undoes, 0), last[one.number])
            if one.number not in undone:
                undone.add(one.undoes)
    return frozenset(undone), last


def _bars(holding: Sequence[Event], statuses: Mapping[Pair, Event]) -> dict[Pair, Bar]:
    ended = [one for one in statuses.values() if one.about["status"] in ENDED]
    # A decision goes before a status: it is what has to be undone.
    causes = [*ended, *(one for one in holding if one.kind in ("forbid", "declined"))]
    return {
        one.pair: Bar(*one.pair, _bar_kind(one), one.number, one.why, one.by, one.at.date())
        for one in causes
        if one.pair
    }


def _bar_kind(event: Event) -> str:
    return "forbid" if event.kind == "forbid" else "declined"


def _placed(holding: Sequence[Event], since: Mapping[int, int]) -> dict[str, Placement]:
    """The last placement of each need, barred or not."""
    placed: dict[str, Placement] = {}
    for one in holding:
        if one.kind not in ("pin", "swap") or one.pair is None:
            continue
        before = placed.get(one.need_id)
        broken = tuple(word for word in one.about.get("broken", "").split(";") if word)
        # To pin whom one has put there by hand is not to take back which rules that broke.
        if not broken and before and before.supporter_id == one.supporter_id:
            broken = before.broken
        placed[one.need_id] = Placement(
            *one.pair,
            one.kind,
            one.number,
            since[one.number],
            one.why,
            one.by,
            one.at.date(),
            one.about.get("replaces", ""),
            broken,
        )
    return placed


def _touched(events: Sequence[Event]) -> dict[Pair, int]:
    pair_of: dict[int | None, Pair | None] = {}
    touched: dict[Pair, int] = {}
    for one in events:
        pair = one.pair or pair_of.get(one.undoes)
        pair_of[one.number] = pair
        if pair and one.kind in (*DECISIONS, "undo"):
            touched[pair] = one.number
    return touched


# ---- what may be recorded ------------------------------------------------------------------------------------------


def check_event(desk: Desk, event: Event, *, given: Mapping[Pair, Bar] | None = None) -> None:
    """Refuse an event that cannot be recorded.

    Raises
    ------
    DataError
        With what `why_refused` finds.
    """
    if problem := why_refused(desk, event, given=given):
        raise DataError([problem])


def why_refused(desk: Desk, event: Event, *, given: Mapping[Pair, Bar] | None = None) -> Problem | None:
    """Why an event cannot be recorded as things stand, or None where it can.

    Parameters
    ----------
    desk : Desk
        What holds before it.
    event : Event
        Of one of the kinds in `DECISIONS`, or an undo.
    given : mapping of Pair to Bar, optional
        What the round's own decisions table bars besides (`bars_given`).
    """
    if event.kind == "undo":
        return why_unsound(event) or _undo_problem(desk, event)
    return why_unsound(event) or _bar_problem(desk, event, given or {})


def why_unsound(event: Event) -> Problem | None:
    """What is wrong with a decision or an undo by itself, whatever else holds; None where nothing is."""
    if event.kind == "undo":
        return _text_problem(event)
    if event.kind not in DECISIONS:
        fix = f"Known are: {', '.join((*DECISIONS, 'undo'))}."
        return _refusal(event, "kind", event.kind, f"{shown(event.kind)} is no decision that can be recorded.", fix)
    return _text_problem(event) or _form_problem(event)


def _refusal(event: Event, column: str, value: str, message: str, fix: str) -> Problem:
    return Problem(KINDS.get(event.kind, "decision"), None, column, value, message, fix)


def _text_problem(event: Event) -> Problem | None:
    """What of the text of an event could not be kept or not be read back from a table."""
    cells = [
        ("by", event.by, text, _LONGEST_NAME),
        ("why", event.why, free_text, _LONGEST_TEXT),
        *(
            (name, value, identifier if name in ("need_id", "supporter_id") else free_text, _LONGEST_TEXT)
            for name, value in event.about.items()
        ),
    ]
    for column, value, convert, longest in cells:
        if len(value) > longest:
            message = f"The text has {len(value):,} characters, and {longest:,} is the most."
            return _refusal(event, column, value[:longest], message, "Shorten it.")
        try:
            if value:
                convert(value)
        except CellError as fault:
            return _refusal(event, column, value, fault.message, fault.fix)
    return None


def _undo_problem(desk: Desk, event: Event) -> Problem | None:
    target = desk.event(event.undoes)
    value = "" if event.undoes is None else str(event.undoes)
    if target is None:
        fix = "Choose one from the round's history."
        return _refusal(event, "undoes", value, "There is no such event in this round.", fix)
    if target.kind not in (*DECISIONS, "undo"):
        message = f"Event {value} ({KINDS[target.kind]}) is no decision, so it cannot be undone."
        return _refusal(event, "undoes", value, message, "Change the round itself instead.")
    if target.number in desk.undone:
        message, fix = f"Event {value} is undone already.", "To put it back, undo the undoing of it."
        return _refusal(event, "undoes", value, message, fix)
    return None


def _form_problem(event: Event) -> Problem | None:
    """What an event of its kind lacks."""
    if event.undoes is not None:
        return _refusal(event, "undoes", str(event.undoes), "Only an undo takes back an event.", "Undo it instead.")
    if event.kind == "note":
        return _note_problem(event)
    for column in ("need_id", "supporter_id"):
        if not event.about.get(column):
            return _refusal(event, column, "", "It is not said whom this is about.", f"Give the {column}.")
    status = event.about.get("status", "")
    if event.kind == "status" and status not in STATUSES:
        fix = f"Known are: {', '.join(STATUSES)}."
        return _refusal(event, "status", status, f"{shown(status)} is not a known status.", fix)
    return None


def _note_problem(event: Event) -> Problem | None:
    if not event.need_id and not event.supporter_id:
        return _refusal(event, "need_id", "", "The note is about nothing.", "Say which need or supporter it is about.")
    if not event.about.get("text", "").strip():
        return _refusal(event, "text", "", "The note is blank.", "Write something.")
    return None


def _bar_problem(desk: Desk, event: Event, given: Mapping[Pair, Bar]) -> Problem | None:
    """Why a supporter cannot be put at a need, or be said to serve it: somebody decided against it."""
    pair = event.pair
    if pair is None or event.kind not in ("pin", "swap", "status"):
        return None
    bar = desk.barred.get(pair)
    if event.kind == "status":
        # A status is the last word on a status, not on a decision.
        cause = desk.event(bar.number) if bar else None
        if event.about["status"] in ENDED or cause is None or cause.kind == "status":
            return None
    in_table = None if event.about.get("broken") else given.get(pair)
    found = bar or in_table
    if found is None:
        return None
    said = "is forbidden for" if found.kind == "forbid" else "has declined"
    where = f" (event {found.number})" if bar else " in the decisions table"
    message = f"{found.supporter_id} {said} need {found.need_id}{where}."
    fix = "Undo that first, or choose somebody else." if bar else "Choose somebody else, or change that table."
    return _refusal(event, "supporter_id", found.supporter_id, message, fix)


# ---- who serves what -----------------------------------------------------------------------------------------------


def live_supporters(deployments: Mapping[str, str], desk: Desk) -> dict[str, str]:
    """Who serves what now, as need_id to supporter_id and by need_id.

    Parameters
    ----------
    deployments : mapping of str to str
        Of the accepted plan; empty before there is one.
    desk : Desk

    Notes
    -----
    The plan was made with all the decisions up to `desk.planned`, so those are in it. What counts besides is what holds
    only since then: a pin or a swap puts its supporter in the place of the plan's. And nobody serves a need who is
    barred from it now. To undo an older pin or bar changes nobody's place until the next plan is made: what the plan
    gave stands. A bar that is undone gives the need back to whom the plan or the placement had put there.
    """
    # A placement that fell to a bar counts too: the supporter before it does not come back.
    last = {**desk.placements, **desk.freed}
    placed = {**deployments, **{need_id: one.supporter_id for need_id, one in last.items() if one.since > desk.planned}}
    return {need_id: one for need_id, one in sorted(placed.items()) if (need_id, one) not in desk.barred}


# ---- the decisions table -------------------------------------------------------------------------------------------

_DECISION_COLUMNS = ("kind", "supporter_id", "need_id", "school_urn", "reason", "by", "on")


@dataclass(frozen=True)
class _Row:
    """A row of the decisions table; `row` is its number in the round's own file, None for one of the desk's."""

    kind: str
    supporter_id: str
    need_id: str
    school_urn: str
    reason: str
    by: str
    on: date | None
    row: int | None = None

    def cells(self) -> tuple[str, ...]:
        on = self.on.isoformat() if self.on else ""
        fields = (self.kind, self.supporter_id, self.need_id, self.school_urn, _lines(self.reason), self.by, on)
        return tuple(map(spreadsheet_safe, fields))


def decisions_source(
    base: Source | None,
    desk: Desk,
    *,
    hold: bool,
    needs: Mapping[str, str],
    supporters: Collection[str] | None = None,
    mapping: Mapping[str, str] | None = None,
) -> Source:
    """The decisions table that a round's own one and its desk make together.

    Parameters
    ----------
    base : Source or None
        The round's own decisions file. It stays the round's: what is made here is made anew for every run, so that
        whatever is undone is gone from the next one.
    desk : Desk
    hold : bool
        True for a rerun of this round: pins, placements by hand and the deployments that were agreed to become pins,
        beside all that is forbidden or declined. False for the next round: no pins, those of `base` included.
    needs : mapping of str to str
        The round's needs: need_id to the URN of its school.
    supporters : collection of str, optional
        The round's supporters. What the desk says of other people or needs concerns nobody any more and is left out.
    mapping : mapping of str to str, optional
        What the round's columns file says of the header of `base`.

    Returns
    -------
    Source
        A CSV file: the rows of `base` in their order, then the desk's by need and supporter. Equal input gives equal
        bytes.

    Raises
    ------
    DataError
        `base` cannot be read, or bars a pair that the desk holds. (A placement by hand that says which rules it breaks
        lifts such a bar, for its need alone.)

    Notes
    -----
    Where the two disagree about a need, the desk is later and goes before: a pin of `base` gives way on a need that the
    desk has placed, or for a pair that it bars. A row for a whole school gives way for those needs alone.
    """
    own = _rows_of(base, mapping)
    held = _held(desk) if hold else {}
    ours = _desk_rows(desk, held, needs, supporters)
    problems = list(_contradictions(base, own, desk, held, needs))
    if problems:
        raise DataError(problems)
    said_again = {(one.kind, (one.need_id, one.supporter_id)) for one in ours}
    kept = [one for row in own for one in _left_of(row, desk, held, said_again, needs) if hold or row.kind != "pin"]
    frame = pd.DataFrame([one.cells() for one in [*kept, *ours]], columns=list(_DECISION_COLUMNS), dtype="object")
    return Source("decisions.csv", csv_bytes(frame))


def bars_given(
    base: Source | None, *, needs: Mapping[str, str], mapping: Mapping[str, str] | None = None
) -> dict[Pair, Bar]:
    """What a round's own decisions file forbids, or says was declined, for each of its needs.

    Parameters
    ----------
    base, needs, mapping
        As `decisions_source` takes them. A bar's `number` is its row in the file.

    Raises
    ------
    DataError
        The file cannot be read.
    """
    return {
        (need_id, one.supporter_id): Bar(need_id, one.supporter_id, one.kind, one.row or 0, one.reason, one.by, one.on)
        for one in _rows_of(base, mapping)
        if one.kind != "pin"
        for need_id in _needs_of(one, needs)
    }


def _rows_of(base: Source | None, mapping: Mapping[str, str] | None) -> list[_Row]:
    if base is None:
        return []
    vocabulary = standard_vocabulary()
    form = table_formats(vocabulary)["decisions"]
    sheet = read_sheet(base, recognise=known_columns(form, mapping))
    table = read_table(sheet, form, vocabulary, mapping)
    if table.problems:
        raise DataError(table.problems, table.notices)
    return [_Row(*cells) for cells in table.frame[[*_DECISION_COLUMNS, "row"]].itertuples(index=False, name=None)]


def _lines(written: str) -> str:
    """A text with one kind of line end: a lone carriage return is not put in quotation marks, and would end a row."""
    return written.replace("\r\n", "\n").replace("\r", "\n")


def _needs_of(row: _Row, needs: Mapping[str, str]) -> list[str]:
    """The needs that a row is about: the one that it names, or all of its school's."""
    return [row.need_id] if row.need_id else [one for one, urn in needs.items() if urn == row.school_urn]


def _held(desk: Desk) -> dict[str, _Row]:
    """The pins of a rerun, by need: whom a person placed, or else who has agreed to serve it."""
    agreed = {
        event.need_id: _Row(
            "pin",
            event.supporter_id,
            event.need_id,
            "",
            event.why or f"Status: {event.about['status']}",
            event.by,
            event.at.date(),
        )
        for event in desk.events
        if event.kind == "status"
        and event.number not in desk.undone
        and event.pair
        and desk.statuses[event.pair] in HELD
        and event.pair not in desk.barred
        # Whoever had agreed before somebody else was put there does not come back when that one goes.
        and (event.need_id not in desk.freed or event.number > desk.freed[event.need_id].since)
    }
    placed = {
        need_id: _Row("pin", one.supporter_id, need_id, "", one.reason, one.by, one.on)
        for need_id, one in desk.placements.items()
    }
    return {**agreed, **placed}


def _desk_rows(
    desk: Desk, held: Mapping[str, _Row], needs: Mapping[str, str], supporters: Collection[str] | None
) -> list[_Row]:
    bars = [
        _Row(one.kind, one.supporter_id, one.need_id, "", one.reason, one.by, one.on) for one in desk.barred.values()
    ]
    # With its school, a row that is carried into a round where the need_id is another school's is told there.
    rows = [
        replace(one, school_urn=needs[one.need_id])
        for one in [*held.values(), *bars]
        if one.need_id in needs and (supporters is None or one.supporter_id in supporters)
    ]
    return sorted(rows, key=lambda one: (one.need_id, one.supporter_id, one.kind))


def _contradictions(
    base: Source | None, own: Sequence[_Row], desk: Desk, held: Mapping[str, _Row], needs: Mapping[str, str]
) -> Iterator[Problem]:
    """The bars of the round's own file on pairs that the desk holds, and that nobody has lifted."""
    if base is None:
        return
    lifted = {need_id for need_id, one in desk.placements.items() if one.broken}
    for row in own:
        for need_id in _needs_of(row, needs) if row.kind != "pin" else ():
            pin = held.get(need_id)
            if pin and pin.supporter_id == row.supporter_id and need_id not in lifted:
                word = "forbidden" if row.kind == "forbid" else "declined"
                message = f"{row.supporter_id} is held at need {need_id} by a later decision, and {word} for it here."
                fix = "Undo that decision, place them by hand and say that this is broken, or change the table."
                yield Problem(base.name, row.row, "kind", row.kind, message, fix)


def _left_of(
    row: _Row, desk: Desk, held: Mapping[str, _Row], said_again: Collection[tuple[str, Pair]], needs: Mapping[str, str]
) -> list[_Row]:
    """What stays of a row of the round's own file beside the desk's: itself, rows for some of its needs, or nothing."""

    def gives_way(need_id: str) -> bool:
        if row.kind == "pin":
            decided = need_id in held or need_id in desk.placements or need_id in desk.freed
            return decided or (need_id, row.supporter_id) in desk.barred
        lifted = need_id in held and held[need_id].supporter_id == row.supporter_id
        return lifted or (row.need_id != "" and (row.kind, (need_id, row.supporter_id)) in said_again)

    about = _needs_of(row, needs)
    staying = [need_id for need_id in about if not gives_way(need_id)]
    if staying == about:
        return [row]
    return [replace(row, need_id=one, school_urn=needs.get(one, row.school_urn)) for one in staying]


# ---- the history, for people ---------------------------------------------------------------------------------------

HISTORY_COLUMNS = ("number", "on", "by", "what", "need_id", "supporter_id", "why", "undone")


def history_table(events: Iterable[Event]) -> pd.DataFrame:
    """Everything that happened to a round, one row an event and all of it text.

    Returns
    -------
    DataFrame
        `HISTORY_COLUMNS`, by number: `on` is the time in UTC as ISO 8601 to the second; `what` is in words; `why` of a
        note is what it says; `undone` is yes or blank.
    """
    ordered = tuple(events)
    undone, _ = _standing(ordered)
    subject = {one.number: one for one in ordered}
    rows = [
        (
            str(one.number),
            one.at.astimezone(UTC).isoformat(timespec="seconds"),
            one.by,
            what_happened(one),
            *_about_whom(one, subject),
            _lines(one.about.get("text", "") or one.why),
            "yes" if one.number in undone else "",
        )
        for one in ordered
    ]
    return pd.DataFrame(rows, columns=list(HISTORY_COLUMNS), dtype="object").map(spreadsheet_safe)


def history_csv(events: Iterable[Event]) -> bytes:
    """The history as CSV that a spreadsheet opens as it is."""
    return csv_bytes(history_table(events))


def what_happened(event: Event) -> str:
    """An event in a few words, without whom it is about."""
    words = KINDS[event.kind]
    about = event.about
    details = {
        "swap": f" instead of {about.get('replaces')}" if about.get("replaces") else "",
        "status": f": {about.get('status', '')}",
        "undo": f": event {event.undoes}",
        "files": f": {', '.join(filter(None, about.get('tables', '').split(';'))) or 'none'}",
        "plan": f": plan {about.get('plan', '')}",
        "scenario": f": plan {about.get('plan', '')}, {about.get('name', '')}",
        "approved": f": plan {about.get('plan', '')}",
        "named": f": {about.get('name', '')}",
        "restored": " from a file" if about.get("from") == "file" else "",
    }
    return words + details.get(event.kind, "")


def _about_whom(event: Event, subject: Mapping[int, Event]) -> Pair:
    """The need and the supporter of an event; of an undo, those of what it takes back."""
    while event.undoes is not None and event.undoes in subject:
        event = subject[event.undoes]
    return (event.need_id, event.supporter_id)
