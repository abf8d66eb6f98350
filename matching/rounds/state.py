"""The coordinator's desk: what holds of a round after its events, and what may be recorded next.

Pure: events come from `rounds`, which keeps them for good. What a decision does to a plan is the business of the
solver, which reads the table that `decisions` makes of a desk.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from matching.errors import DataError, Problem, shown
from matching.rounds.events import DECISIONS, ENDED, KINDS, STATUSES, Event, Pair, standing
from matching.tables.cell_values import CellError, free_text, identifier, text

_LONGEST_NAME, _LONGEST_TEXT = 200, 4_000


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
    undone, since = standing(ordered)
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
