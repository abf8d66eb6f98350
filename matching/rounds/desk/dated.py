"""The terms and the days of deployments, as agreements and calendars take them."""

from collections.abc import Iterator, Mapping

from matching.plan.handover.calendars import Dated
from matching.rounds.history.events import Event, Pair
from matching.rounds.history.state import RoundState


def agreed_terms(state: RoundState) -> dict[Pair, Mapping[str, str]]:
    """Return the terms of each deployment by name, as they were recorded."""
    return {pair: _event(state, one.number).about for pair, one in state.support.terms.items()}


def dated(state: RoundState) -> tuple[Dated, ...]:
    """Return when each deployment begins, ends, is reviewed and is visited, as far as that is recorded."""
    return tuple(_dated(state))


def _dated(state: RoundState) -> Iterator[Dated]:
    for pair, terms in state.support.terms.items():
        at = _event(state, terms.number).at
        for kind, on in (("start", terms.start), ("end", terms.end), ("review", terms.review_on)):
            if on:
                yield Dated(pair, kind, on, at)
    for pair, visits in state.support.visits.items():
        for one in visits:
            yield Dated(pair, "visit", one.on, _event(state, one.number).at, one.number, float(one.days))


def _event(state: RoundState, number: int) -> Event:
    found = state.event(number)
    assert found is not None, "what is recorded comes from an event of the round"
    return found
