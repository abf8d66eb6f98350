"""The settings of the contact desk: kept as events of the round, so that no plan depends on them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from matching.errors import DataError, Problem, did_you_mean, shown
from matching.rounds.desk.money import Rates, amount, rates_of
from matching.rounds.history.events import Event, new_event
from matching.tables.files import Source
from matching.tables.policy import round_settings
from matching.tables.vocabulary import standard_vocabulary

PARTIES = ("supporter", "home school", "receiving school")
"""Whose consent a deployment may need."""

MOST_DAYS = 365


@dataclass(frozen=True)
class DeskSettings:
    """The settings of the contact desk.

    Attributes
    ----------
    remind_after_days : int
        Days without an answer after which a reminder is due.
    ask_next_after_days : int
        Days without an answer after which the next person is asked.
    consents : tuple of str
        Of `PARTIES`: whose consent a deployment needs before it is agreed.
    """

    remind_after_days: int = 5
    ask_next_after_days: int = 10
    consents: tuple[str, ...] = PARTIES

    def as_text(self) -> dict[str, str]:
        """Return the settings as an event records them."""
        return {
            "remind_after_days": str(self.remind_after_days),
            "ask_next_after_days": str(self.ask_next_after_days),
            "consents": ";".join(self.consents),
        }


def desk_settings(recorded: Mapping[str, str]) -> DeskSettings:
    """Return the settings that an event records; those that it lacks have their defaults.

    Raises
    ------
    ValueError
        With what is wrong, as a sentence, and the name of the setting.
    """
    usual = DeskSettings()
    remind, ask = (_days(recorded, name, getattr(usual, name)) for name in ("remind_after_days", "ask_next_after_days"))
    if ask < remind:
        raise ValueError("The next person would be asked before a reminder is due.", "ask_next_after_days")
    named = [one for one in recorded.get("consents", ";".join(usual.consents)).split(";") if one]
    if unknown := next((one for one in named if one not in PARTIES), ""):
        raise ValueError(f"{shown(unknown)} is none of {', '.join(PARTIES)}.", "consents")
    return DeskSettings(remind, ask, tuple(one for one in PARTIES if one in named))


def _days(recorded: Mapping[str, str], name: str, usual: int) -> int:
    written = recorded.get(name, str(usual))
    if not (written.isascii() and written.isdigit() and len(written) <= 4 and 1 <= int(written) <= MOST_DAYS):
        raise ValueError(f"{shown(written)} is not a number of days from 1 to {MOST_DAYS}.", name)
    return int(written)


# ---- settings of a policy file -------------------------------------------------------------------------------------


def settings_events(source: Source | None, desk: DeskSettings, rates: Rates, *, by: str) -> list[Event]:
    """Return the events that take the settings of a policy file into a round: those that differ from the present ones.

    Parameters
    ----------
    source : Source or None
        A policy file, with the sections `[desk]` and `[rates]` or without.
    desk, rates
        Of the round as they are now. A section of the file replaces all of them.
    by : str

    Raises
    ------
    DataError
        With every value that cannot be used.
    """
    if source is None:
        return []
    problems, events = [], []
    for name, section in round_settings(source).items():
        if not isinstance(section, dict):
            fix = f"Write [{name}] on a line of its own."
            problems.append(Problem(source.name, None, name, "", f"[{name}] is not a section.", fix))
            continue
        about = {key: _as_text(value) for key, value in section.items()}
        faults = list(_faults(name, about))
        for message, fix, key in faults:
            problems.append(Problem(source.name, None, f"{name}.{key}", about.get(key, ""), message, fix))
        if not faults and (desk_settings(about) != desk if name == "desk" else rates_of(about) != rates):
            events.append(new_event(name, by=by, **about))
    if problems:
        raise DataError(problems)
    return events


def _faults(section: str, about: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with each key of a section, and what to do."""
    known = (*DeskSettings().as_text(),) if section == "desk" else (*standard_vocabulary().designations,)
    for key, value in about.items():
        if key not in known:
            fix = did_you_mean(key, known, f"Known here are: {', '.join(known)}.")
            yield "This key is not known.", fix, key
        elif section == "rates":
            try:
                amount(value, key)
            except ValueError as error:
                yield (*error.args,)
    try:
        desk_settings(about if section == "desk" else {})
    except ValueError as error:
        yield error.args[0], "Change this setting.", error.args[1]


def _as_text(value: object) -> str:
    return ";".join(map(str, value)) if isinstance(value, list) else str(value)
