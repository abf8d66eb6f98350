"""The settings of the contact desk: kept as events of the round, so that no plan depends on them."""

from collections.abc import Mapping
from dataclasses import dataclass

from matching.errors import shown

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
