"""The coordinator's state: what holds of a round after its events, and what may be recorded next.

Pure: events come from `rounds`, which keeps them for good. What a decision does to a plan is the business of the
solver, which reads the table that `decisions` makes of a state.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from matching.rounds.events import DECISIONS, ENDED, STATUSES, Event, Pair, events_in_force


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
class RoundState:
    """What holds after a round's events; made by `state_of`.

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


def state_of(events: Iterable[Event]) -> RoundState:
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
    undone, since = events_in_force(ordered)
    holding = [one for one in ordered if one.number not in undone]
    statuses = {one.pair: one for one in holding if one.kind == "status" and one.pair}
    barred = _bars(holding, statuses)
    placed = _placed(holding, since)
    stands = {need_id: one for need_id, one in placed.items() if one.pair not in barred}
    plans = [one for one in ordered if one.kind == "plan"]
    return RoundState(
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


# ---- who serves what -----------------------------------------------------------------------------------------------


def live_supporters(deployments: Mapping[str, str], state: RoundState) -> dict[str, str]:
    """Who serves what now, as need_id to supporter_id and by need_id.

    Parameters
    ----------
    deployments : mapping of str to str
        Of the accepted plan; empty before there is one.
    state : RoundState

    Notes
    -----
    The plan was made with the decisions up to event `state.planned`, so it includes them. A later pin or swap replaces
    the plan's supporter, and no supporter serves a need from which they are barred now. Undoing an older pin or bar
    moves no one until the next plan is made. When a bar is undone, the need goes back to the supporter whom the plan or
    the placement had put there.
    """
    # A placement that a bar has overruled counts too: the supporter before it does not come back.
    last = {**state.placements, **state.freed}
    placed = {
        **deployments,
        **{need_id: one.supporter_id for need_id, one in last.items() if one.since > state.planned},
    }
    return {need_id: one for need_id, one in sorted(placed.items()) if (need_id, one) not in state.barred}
