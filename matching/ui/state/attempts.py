"""Files that were given for a round: sound ones begin it, the others wait here until they are repaired."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

from matching.errors import DataError, Problem
from matching.inputs.locations import options_of
from matching.tables.files import Source
from matching.tables.policy import read_policy
from matching.ui.state import cache
from matching.ui.state.open_round import follow, held, hold, store, until_changed
from matching.ui.state.params import screen_params
from matching.ui.state.person import who

_ATTEMPT, _CORRECTED = "attempt", "corrected_files"


@dataclass(frozen=True)
class Attempt:
    """Files that were given and cannot be used yet, with what is wrong in them.

    Attributes
    ----------
    name : str
        Of the round that is to begin with them.
    sources : mapping of str to Source
    problems : tuple of Problem
    notices : tuple of str
        What else is worth knowing about them.
    number : int
        How many times files were checked in this tab.
    corrected : frozenset of str
        Names of the files that were corrected here, and so differ from the user's own copies.
    new_round : bool
        Whether a new round begins with them even if one is open that they could go into.
    """

    name: str
    sources: Mapping[str, Source]
    problems: tuple[Problem, ...]
    notices: tuple[str, ...]
    number: int
    corrected: frozenset[str] = frozenset()
    new_round: bool = False


def attempt() -> Attempt | None:
    """Return the files that were given last, if they cannot be used yet."""
    return cast("Attempt | None", until_changed().get(_ATTEMPT))


def forget_attempt() -> None:
    """Discard the files that cannot be used."""
    until_changed().pop(_ATTEMPT, None)


def corrected() -> frozenset[str]:
    """Return the files of the open round that were corrected here before it took them."""
    return cast("frozenset[str]", until_changed().get(_CORRECTED, frozenset()))


def try_files(
    name: str, sources: Mapping[str, Source], *, corrected: frozenset[str] = frozenset(), new_round: bool = False
) -> bool:
    """Check files; sound ones begin a round, or go into the open one if it has no plan.

    Returns False if they are not sound: then nothing is written, and `attempt` holds what is wrong. `corrected` and
    `new_round` are those of `Attempt`.
    """
    ordered = cache.ordered(sources)
    wrong = _wrong_in(ordered)
    if wrong.problems:
        earlier = attempt()
        number = earlier.number + 1 if earlier else 1
        until_changed()[_ATTEMPT] = Attempt(name, ordered, wrong.problems, wrong.notices, number, corrected, new_round)
        return False
    before = held()
    # A round with a plan stays as it is: its plan came from its own files.
    if before and before.files is None and not new_round:
        hold(store().save_sources(before, ordered, by=who()))
    else:
        hold(store().create(name, ordered, by=who()))
    until_changed()[_CORRECTED] = corrected
    follow()
    return True


def _wrong_in(sources: Mapping[str, Source]) -> DataError:
    """Return everything that is wrong in files; sound tables are cached, so the screens need not read them again."""
    problems: list[Problem] = []
    notices: tuple[str, ...] = ()
    try:
        cache.inputs_of(sources)
    except DataError as error:
        problems += error.problems
        notices = error.notices
    try:
        if "policy" in sources:
            read_policy(sources["policy"])
    except DataError as error:
        problems += error.problems
    return DataError(problems, notices)


def remembered_columns() -> dict[str, dict[str, str]]:
    """Return which header was matched to which column in the newest rounds, by table."""
    found: dict[str, dict[str, str]] = {}
    # The oldest first, so that a newer answer takes precedence.
    for one in reversed(store().list()[: screen_params().rounds_remembered]):
        round_ = store().get(one.round_id)
        for table, pairs in options_of(round_.sources).mappings.items() if round_ else ():
            found.setdefault(table, {}).update(pairs)
    return found
