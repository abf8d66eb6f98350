"""Recording and undoing decisions about the open round."""

from collections.abc import Sequence
from dataclasses import replace

from matching.rounds.events import Event, new_event
from matching.rounds.placement_rules import refuse_overfull
from matching.rounds.round import Round
from matching.rounds.run_inputs import serving
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
    """Refuse events after which a person would have more than they offer, as the rounds judge it."""
    if round_.files is not None:
        saved = cache.saved_plan(round_.files)
        refuse_overfull(cache.market_of(saved).inputs, serving(saved.plan), round_.events, more)
