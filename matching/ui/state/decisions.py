"""Recording and undoing decisions about the open round."""

from collections.abc import Sequence
from dataclasses import replace

from matching.errors import DataError, Problem
from matching.rounds.decided_inputs import overfull_problems, serving
from matching.rounds.events import Event, new_event
from matching.rounds.round import Round
from matching.rounds.state import desk_of, live_supporters
from matching.ui.state import cache
from matching.ui.state.open_round import change, store
from matching.ui.state.person import who


def record(round_: Round, events: Sequence[Event]) -> Round | None:
    """Record decisions as `open_round.change` does: all, or none if one would take a person over their limits."""
    numbered = [replace(one, number=number) for number, one in enumerate(events, start=round_.last_event + 1)]

    def take() -> Round:
        _refuse_overfull(round_, numbered)
        return store().record(round_, events)

    return change(take)


def undo(round_: Round, numbers: Sequence[int], *, why: str = "") -> Round | None:
    """Undo what was recorded together, the last of it first; each undoing is an event of its own."""

    def take_back() -> Round:
        changed = round_
        for number in sorted(numbers, reverse=True):
            event = replace(new_event("undo", by=who(), why=why), number=changed.last_event + 1, undoes=number)
            _refuse_overfull(changed, [event])
            changed = store().undo(changed, number, by=who(), why=why)
        return changed

    return change(take_back)


def _refuse_overfull(round_: Round, more: Sequence[Event]) -> None:
    """Refuse events after which a person would have more deployments or days than they offer.

    Raises
    ------
    DataError
        A person would.
    """
    if round_.files is None:
        return
    saved = cache.saved_plan(round_.files)
    inputs, before = cache.market_of(saved).inputs, serving(saved.plan)

    def problems(events: Sequence[Event]) -> list[Problem]:
        desk = desk_of(events)
        return overfull_problems(inputs, live_supporters(before, desk), desk)

    known = problems(round_.events)
    if new := [one for one in problems([*round_.events, *more]) if one not in known]:
        raise DataError(new)
