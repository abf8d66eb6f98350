"""Words that several rooms say of people and of what bars a pair."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from matching.accreditation import failed_criteria
from matching.pairs.market import Market
from matching.pairs.rules import RULES


def bar_phrases(market: Market, need: int, supporter: int) -> list[str]:
    """What bars a pair, each rule as the end of a sentence about the supporter; empty for an eligible pair."""
    pair = np.array([need]), np.array([supporter])
    km = market.rulebook.distance_km(*pair)
    flags = market.rulebook.broken(*pair, km)
    return [bar_phrase(market, need, supporter, rule, float(km[0])) for rule in RULES if flags[rule][0]]


def person(market: Market, supporter: int) -> str:
    """A supporter as a reader knows them: name and identifier."""
    who = market.supporters[supporter]
    return f"{who['name']} ({who['supporter_id']})"


def people_asked(market: Market, need: int, *, related: bool) -> tuple[str, str]:
    """The people that a need asks for, as singular and plural."""
    row = market.needs[need]
    if market.inputs.vocabulary.focuses[row["focus"]].is_specialism:
        return _specialists(row["focus"], related=related)
    return _holders(row["designations"])


# A round asks thousands of times for the same few.
@cache
def _specialists(focus: str, *, related: bool) -> tuple[str, str]:
    return f"{focus} specialist{' (by a related specialism)' if related else ''}", f"{focus} specialists"


@cache
def _holders(codes: tuple[str, ...]) -> tuple[str, str]:
    return " or ".join(codes), " and ".join(f"{code}s" for code in codes)


def bar_phrase(market: Market, need: int, supporter: int, rule: str, km: float) -> str:
    """What one rule has against a pair so many km apart, as the end of a sentence about the supporter."""
    who, row, school = market.supporters[supporter], market.needs[need], market.school_of(need)
    if rule in ("forbidden", "declined"):
        return _decision_phrase(market, row["need_id"], who["supporter_id"], rule)
    if rule == "accreditation":
        return f"is not accredited ({failed_criteria(market.verdicts)[who['supporter_id']]})"
    if rule == "distance":
        limit_km = float(market.rulebook.limit_km[supporter])
        return f"is {_beyond(km, limit_km)} km away and goes at most {limit_km:g} km"
    return {
        "designation": f"is an {who['designation']}, and the need accepts {' or '.join(row['designations'])}",
        "places": "offers no place",
        "specialism": f"does not have {row['focus']}",
        "phase": f"supports {joined(who['phases'])}, not {school['phase']}",
        "own school": "works at this school",
        "same trust": f"is of the same trust ({school['trust']})",
        "conflict": "has declared a conflict with this school",
        "days": f"offers {who['days_available']:g} days, and the need asks {row['days']:g}",
    }[rule]


def _beyond(km: float, limit_km: float) -> str:
    """A distance beyond a limit, with as many decimals as it takes to show that it is beyond."""
    return next((text for decimals in (1, 2, 3) if float(text := f"{km:.{decimals}f}") > limit_km), f"{km:.6f}")


def _decision_phrase(market: Market, need_id: str, supporter_id: str, rule: str) -> str:
    decisions = market.inputs.decisions
    kind = "forbid" if rule == "forbidden" else "declined"
    row = decisions[
        (decisions["kind"] == kind) & (decisions["need_id"] == need_id) & (decisions["supporter_id"] == supporter_id)
    ].iloc[0]
    why = f" ({row['reason']})" if row["reason"] else ""
    return f"{'was forbidden here' if kind == 'forbid' else 'has declined'}{why}"


def joined(phrases: Sequence[str]) -> str:
    """The phrases as one list in a sentence."""
    *most, last = phrases
    return f"{', '.join(most)} and {last}" if most else last
