"""Recording and undoing decisions about the open round."""

from collections.abc import Sequence
from dataclasses import replace

from matching.rounds.history.events import Event
from matching.rounds.planning.placement_rules import refuse_overfull
from matching.rounds.planning.run_inputs import serving
from matching.rounds.round import Round
from matching.ui.state import cache
from matching.ui.state.open_round import change, store
from matching.ui.state.person import who


def record(round_: Round, events: Sequence[Event], *, reopens: str = "") -> Round | None:
    """Record an entry as `open_round.change` does: all of it, or none if it would take a person over their limits.

    `reopens` is why an approved round is reopened by it; blank where it must not be.
    """
    numbered = [replace(one, number=number) for number, one in enumerate(events, start=round_.last_event + 1)]

    def checked() -> Round:
        if round_.files is not None:
            # What people offer is what the register says now, and not what it said when the plan was made.
            plan, inputs = cache.saved_plan(round_.files).plan, cache.inputs_of(round_.sources)
            refuse_overfull(inputs, serving(plan), round_.events, numbered)
        return store().record(round_, events, reopens=reopens)

    return change(checked)


def undo(round_: Round, numbers: Sequence[int], *, why: str = "") -> Round | None:
    """Undo what was recorded together; each undo is an event of its own.

    A person may have too much then: the plan says so, because it no longer follows from what is recorded.
    """
    return change(lambda: store().undo(round_, *numbers, by=who(), why=why))
