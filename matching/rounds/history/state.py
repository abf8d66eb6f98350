"""The state of a round: a pure fold over its events.

`refusals` judges what may be recorded next; `decisions_table` turns a state into decisions of the next run.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from matching.rounds.desk.money import Rates, rates_of
from matching.rounds.desk.settings import DeskSettings, desk_settings
from matching.rounds.desk.support import Support, support_of
from matching.rounds.history.events import (
    DECISIONS,
    ENDED,
    HELD,
    STATUSES,
    Event,
    Pair,
    decisions_behind,
    undone_events,
)


@dataclass(frozen=True)
class Placement:
    """A supporter whom a person placed at a need (`kind` pin or swap).

    `number` is that of the event; `since` is the event from which the placement has held, a later one if it was undone
    and redone. `on` is the day in UTC.
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
    """A supporter barred from a need: `kind` is forbid or declined; `on` is the day, if known."""

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

    @property
    def rule(self) -> str:
        """The code of the rule that a placement against it names."""
        return "forbidden" if self.kind == "forbid" else self.kind


@dataclass(frozen=True)
class Consent:
    """What a party said when it was asked for its consent to a deployment, and on which day."""

    party: str
    answer: str
    on: date
    number: int


@dataclass(frozen=True)
class RoundState:
    """The state of a round after its events, as `state_of` returns it.

    Attributes
    ----------
    events : tuple of Event
        All of them, in order.
    undone : frozenset of int
        The numbers of the events that are undone.
    pins, swaps : mapping of str to Placement
        By need_id; no need is in both.
    freed : mapping of str to Placement
        By need_id: the last placement of a need that is free because a bar overrules it or the deployment was ended.
    barred : mapping of Pair to Bar
    ended : mapping of Pair to int
        The event from which a deployment has been withdrawn, while that is its last status: a later one than the
        status if that was undone and redone.
    notes : tuple of Event
    statuses : mapping of Pair to str
        As they were recorded; `status_of` adds the default.
    since : mapping of Pair to date
        The day of the last status.
    consents : mapping of Pair to mapping of str to Consent
        By party, the last answer since the deployment was last ended.
    written : mapping of Pair to date
        The day of the last message that asks for an answer, an approach or a reminder.
    support : Support
        What is recorded of the support itself: terms, visits, reviews and evaluations.
    rates : mapping of str to Decimal
        Pounds a day by designation; one without a rate is absent.
    desk : DeskSettings
    touched : mapping of Pair to int
        The last event about a pair, undoing included.
    plan : int or None
        The number of the accepted plan.
    planned : int
        The last event that the accepted plan takes account of; 0 before there is a plan.
    """

    events: tuple[Event, ...] = field(default=(), repr=False)
    undone: frozenset[int] = frozenset()
    pins: Mapping[str, Placement] = field(default_factory=dict)
    swaps: Mapping[str, Placement] = field(default_factory=dict)
    freed: Mapping[str, Placement] = field(default_factory=dict)
    barred: Mapping[Pair, Bar] = field(default_factory=dict)
    ended: Mapping[Pair, int] = field(default_factory=dict)
    notes: tuple[Event, ...] = field(default=(), repr=False)
    statuses: Mapping[Pair, str] = field(default_factory=dict)
    since: Mapping[Pair, date] = field(default_factory=dict)
    consents: Mapping[Pair, Mapping[str, Consent]] = field(default_factory=dict)
    written: Mapping[Pair, date] = field(default_factory=dict)
    support: Support = field(default_factory=Support)
    rates: Rates = field(default_factory=dict)
    desk: DeskSettings = field(default_factory=DeskSettings)
    touched: Mapping[Pair, int] = field(default_factory=dict)
    plan: int | None = None
    planned: int = 0

    @property
    def placements(self) -> dict[str, Placement]:
        """Pins and swaps together, by need_id."""
        return {**self.pins, **self.swaps}

    def status_of(self, need_id: str, supporter_id: str) -> str:
        """Return the status of a deployment.

        If a later plan proposes a deployment that was withdrawn, it is a new one.
        """
        pair = (need_id, supporter_id)
        set_to, bar = self.statuses.get(pair, STATUSES[0]), self.barred.get(pair)
        if self.is_placed(pair):
            # A placement in force came after whatever ended the deployment before it.
            return STATUSES[0] if set_to in ENDED else set_to
        if 0 < self.ended.get(pair, 0) <= self.planned:
            set_to = STATUSES[0]
        return "declined" if bar and bar.kind == "declined" and set_to not in ENDED else set_to

    def is_placed(self, pair: Pair) -> bool:
        """Return whether a person placed this supporter at this need, and the placement is in force."""
        placed = self.placements.get(pair[0])
        return placed is not None and placed.pair == pair

    def event(self, number: int | None) -> Event | None:
        """Return the event of this number, or None."""
        at = bisect_left(self.events, number or 0, key=lambda one: one.number)
        return self.events[at] if at < len(self.events) and self.events[at].number == number else None


# ---- the fold ------------------------------------------------------------------------------------------------------


def state_of(events: Iterable[Event]) -> RoundState:
    """Return the state of a round after these events.

    Parameters
    ----------
    events : iterable of Event
        Of one round, by number from 1.

    Notes
    -----
    The events that are not undone count, in the order of their numbers:

    - An event is undone while an undo of it holds. Undoing the undo restores the event in its old place in the order,
      so a pin that was replaced meanwhile remains replaced.
    - The last placement (pin or swap) of a need counts. Undoing it restores the one before; a bar on it does not, and
      frees the need.
    - A bar overrules every placement of the same pair, whichever came first, but for a later one that names the bar
      among the rules that it sets aside. A `forbid` or `declined` holds until it is undone; a status `declined` bars
      the pair while it is the pair's last status.
    - A status `withdrawn` ends the deployment, and a placement that came before it. It bars no one.
    - The last plan that was accepted counts; earlier versions put it aside when files were given after it.
    - So an event on which later ones depend can be undone: the later ones count by the same rules.
    """
    ordered = tuple(events)
    undone, since = undone_events(ordered)
    holding = [one for one in ordered if one.number not in undone]
    statuses = {one.pair: one for one in holding if one.kind == "status" and one.pair}
    barred = _bars(holding, statuses)
    ended = {pair: since[one.number] for pair, one in statuses.items() if one.about["status"] == "withdrawn"}
    placed = _placed(holding, since)
    in_force = {
        need_id: one
        for need_id, one in placed.items()
        if _stands(one, barred.get(one.pair)) and ended.get(one.pair, 0) < one.since
    }
    plan, planned = _accepted(holding)
    return RoundState(
        events=ordered,
        undone=undone,
        pins={need_id: one for need_id, one in in_force.items() if one.kind == "pin"},
        swaps={need_id: one for need_id, one in in_force.items() if one.kind == "swap"},
        freed={need_id: one for need_id, one in placed.items() if need_id not in in_force},
        barred=barred,
        ended=ended,
        notes=tuple(one for one in holding if one.kind == "note"),
        statuses={pair: one.about["status"] for pair, one in statuses.items()},
        since={pair: day_of(one) for pair, one in statuses.items()},
        consents=_consents(holding),
        written={
            one.pair: day_of(one)
            for one in holding
            if one.kind == "message" and one.pair and one.about.get("template") in _ASKS
        },
        support=support_of(holding),
        rates=next((rates_of(one.about) for one in reversed(holding) if one.kind == "rates"), {}),
        desk=next((desk_settings(one.about) for one in reversed(holding) if one.kind == "desk"), DeskSettings()),
        touched=_touched(ordered),
        plan=plan,
        planned=planned,
    )


# The messages that ask for an answer.
_ASKS = ("approach", "remind")


def day_of(event: Event) -> date:
    """Return the day on which something happened: the one that was given, or that of the record in UTC."""
    return date.fromisoformat(event.about["on"]) if "on" in event.about else event.at.date()


def _consents(holding: Sequence[Event]) -> dict[Pair, dict[str, Consent]]:
    found: dict[Pair, dict[str, Consent]] = {}
    for one in holding:
        if one.pair is None:
            continue
        if one.kind == "consent":
            said = Consent(one.about["party"], one.about["answer"], day_of(one), one.number)
            found.setdefault(one.pair, {})[said.party] = said
        elif one.kind == "declined" or (one.kind == "status" and one.about["status"] in ENDED):
            # Who is asked again is asked for every consent again.
            found.pop(one.pair, None)
    return found


def _accepted(holding: Sequence[Event]) -> tuple[int | None, int]:
    """Return the number of the accepted plan, and the last event that it takes account of."""
    last = next((one for one in reversed(holding) if one.kind in ("plan", "files")), None)
    if last is None or last.kind == "files":
        return None, 0
    return int(last.about["plan"]), int(last.about.get("after", last.number))


# What earlier versions recorded, and the code of the same rule.
_EARLIER_CODES = {"places offered": "places", "days offered": "days"}


def _bars(holding: Sequence[Event], statuses: Mapping[Pair, Event]) -> dict[Pair, Bar]:
    declined = [one for one in statuses.values() if one.about["status"] == "declined"]
    # A decision takes precedence over a status: it is what has to be undone.
    causes = [*declined, *(one for one in holding if one.kind in ("forbid", "declined"))]
    return {
        one.pair: Bar(*one.pair, _bar_kind(one), one.number, one.why, one.by, one.at.date())
        for one in causes
        if one.pair
    }


def _stands(placement: Placement, bar: Bar | None) -> bool:
    """Return whether a placement stands against a bar of its pair: only if it came later and names it."""
    return bar is None or (bar.rule in placement.broken and placement.since > bar.number)


def _bar_kind(event: Event) -> str:
    return "forbid" if event.kind == "forbid" else "declined"


def _placed(holding: Sequence[Event], since: Mapping[int, int]) -> dict[str, Placement]:
    """Return the last placement of each need, barred or not."""
    placed: dict[str, Placement] = {}
    for one in holding:
        if one.kind not in ("pin", "swap") or one.pair is None:
            continue
        before = placed.get(one.need_id)
        broken = tuple(_EARLIER_CODES.get(word, word) for word in one.about.get("broken", "").split(";") if word)
        # Pinning a supporter who was placed by hand keeps the rules that the placement sets aside.
        if one.kind == "pin" and before and before.supporter_id == one.supporter_id:
            broken = tuple(dict.fromkeys((*before.broken, *broken)))
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
    behind = decisions_behind(events)
    return {
        pair: one.number for one in events if one.kind in (*DECISIONS, "undo") and (pair := behind[one.number].pair)
    }


# ---- who serves what -----------------------------------------------------------------------------------------------


def live_supporters(deployments: Mapping[str, str], state: RoundState) -> dict[str, str]:
    """Return the supporter_id by need_id as things are now, in the order of the needs.

    Parameters
    ----------
    deployments : mapping of str to str
        Of the accepted plan; empty before there is one.
    state : RoundState

    Notes
    -----
    The plan was made with the decisions up to event `state.planned`, so it includes them. A later placement or
    agreement replaces the plan's supporter. No supporter serves a need from which they are barred, or from which they
    were withdrawn after they were put there. Undoing an older pin or bar moves no one until the next plan is made.
    When a bar is undone, the need goes back to the supporter whom the plan or the placement had put there.
    """
    put_there = {need_id: (state.planned, supporter_id) for need_id, supporter_id in deployments.items()}
    for number, (need_id, supporter_id) in sorted([*_agreements(state), *_last_placements(state)]):
        if number > state.planned:
            put_there[need_id] = (number, supporter_id)
    return {
        need_id: supporter_id
        for need_id, (number, supporter_id) in sorted(put_there.items())
        if ((need_id, supporter_id) not in state.barred or state.is_placed((need_id, supporter_id)))
        and state.ended.get((need_id, supporter_id), 0) <= number
    }


def _last_placements(state: RoundState) -> Iterator[tuple[int, Pair]]:
    # A placement that is overruled counts too: the supporter before it does not come back.
    yield from ((one.since, one.pair) for one in (*state.placements.values(), *state.freed.values()))


def _agreements(state: RoundState) -> Iterator[tuple[int, Pair]]:
    _, since = undone_events(state.events)
    yield from (
        (since[one.number], one.pair)
        for one in state.events
        if one.kind == "status"
        and one.number not in state.undone
        and one.pair
        and state.statuses[one.pair] in HELD
        and one.about["status"] in HELD
    )
