"""What a round knows of the terms and the days of its deployments, as agreements and calendars take it."""

from collections.abc import Iterator, Mapping
from datetime import date

from matching.plan.handover.calendars import Dated
from matching.rounds.history.events import ENDED, Event, Pair
from matching.rounds.history.state import RoundState, day_of

_DAYS = {"start": "start", "end": "end", "review_on": "review"}


def agreed_terms(state: RoundState) -> dict[Pair, Mapping[str, str]]:
    """Return the terms of each deployment by name, as the last entry about them gives them, since it was last ended."""
    return {pair: one.about for pair, one in _last_terms(state).items()}


def dated(state: RoundState) -> tuple[Dated, ...]:
    """Return when each deployment begins, ends, is reviewed and is visited, as far as that is recorded."""
    return (*_of_terms(_last_terms(state)), *_visits(state))


def _last_terms(state: RoundState) -> dict[Pair, Event]:
    found: dict[Pair, Event] = {}
    for one in state.events:
        if one.pair is None or one.number in state.undone:
            continue
        if one.kind == "terms":
            found[one.pair] = one
        elif one.kind == "declined" or one.about.get("status") in ENDED:
            # Who is asked again agrees to new terms.
            found.pop(one.pair, None)
    return found


def _visits(state: RoundState) -> Iterator[Dated]:
    for one in state.events:
        if one.kind == "visit" and one.pair and one.number not in state.undone:
            yield Dated(one.pair, "visit", day_of(one), one.at, one.number, float(one.about.get("days") or 0))


def _of_terms(terms: Mapping[Pair, Event]) -> Iterator[Dated]:
    for pair, one in terms.items():
        for name, kind in _DAYS.items():
            if written := one.about.get(name):
                yield Dated(pair, kind, date.fromisoformat(written), one.at)
