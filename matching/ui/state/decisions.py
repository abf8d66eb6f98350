"""Recording and undoing decisions about the open round."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from matching.rounds.history.events import Event, new_event
from matching.rounds.planning.placement_rules import refuse_overfull
from matching.rounds.planning.run_inputs import serving
from matching.rounds.round import Round
from matching.ui.state import cache
from matching.ui.state.open_round import change, store
from matching.ui.state.person import who


def record(round_: Round, events: Sequence[Event]) -> Round | None:
    """Record decisions as `open_round.change` does: all, or none if one would take a person over their limits."""
    return _change(round_, events, lambda: store().record(round_, events))


def undo(round_: Round, numbers: Sequence[int], *, why: str = "") -> Round | None:
    """Undo what was recorded together; each undo is an event of its own."""
    undos = [replace(new_event("undo", by=who(), why=why), undoes=number) for number in numbers]
    return _change(round_, undos, lambda: store().undo(round_, *numbers, by=who(), why=why))


def _change(round_: Round, entry: Sequence[Event], make: Callable[[], Round]) -> Round | None:
    numbered = [replace(one, number=number) for number, one in enumerate(entry, start=round_.last_event + 1)]

    def checked() -> Round:
        _refuse_overfull(round_, numbered)
        return make()

    return change(checked)


def _refuse_overfull(round_: Round, more: Sequence[Event]) -> None:
    """Refuse events after which a person would have more than they offer, as the rounds judge it."""
    if round_.files is not None:
        saved = cache.saved_plan(round_.files)
        refuse_overfull(cache.market_of(saved).inputs, serving(saved.plan), round_.events, more)
