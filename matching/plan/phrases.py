"""Phrases that several sentences share: people, distances, and the rules that a pair breaks."""

from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache

import numpy as np

from matching.accreditation import failed_criteria
from matching.errors import joined
from matching.inputs.inputs import Inputs
from matching.pairs.market import Market
from matching.pairs.rules import RULES
from matching.tables.cell_values import MONTHS
from matching.tables.grid import rounded_km


def person(market: Market, supporter: int) -> str:
    """Return a supporter's name and identifier."""
    who = market.supporters[supporter]
    return f"{who['name']} ({who['supporter_id']})"


def need_in_words(focus: str, school: str, need_id: str) -> str:
    """Return a need in words: English at Alder School (N012)."""
    return f"{focus} at {school} ({need_id})"


def needs_in_words(inputs: Inputs, need_ids: Iterable[str] | None = None) -> dict[str, str]:
    """Return these needs in words by need_id, in the order of the table; of None every need, paused ones too."""
    needs = inputs.all_needs
    if need_ids is not None:
        needs = needs[needs["need_id"].isin({*need_ids})]
    schools = needs["school_urn"].map(inputs.schools.set_index("urn")["name"])
    columns = (needs["focus"], schools, needs["need_id"])
    return {need_id: need_in_words(focus, school, need_id) for focus, school, need_id in zip(*columns, strict=True)}


def counted_days(days: float) -> str:
    """Return a number of days in words: '1 day', '2.5 days'."""
    return "1 day" if days == 1 else f"{days:g} days"


def day_in_words(value: date, *, of_year: int | None = None) -> str:
    """Return a day as 14 September 2026, without the year if that is `of_year`."""
    words = f"{value.day} {MONTHS[value.month - 1]}"
    return words if value.year == of_year else f"{words} {value.year}"


def sentence_case(words: str) -> str:
    """Return the words with a capital letter at the start."""
    return words[:1].upper() + words[1:]


# Cached, because a large round asks for the same few phrases thousands of times.
@cache
def holders(codes: tuple[str, ...]) -> tuple[str, str]:
    """Return the holders of some designations, in the singular and the plural: 'LLE or NLE', 'LLEs and NLEs'."""
    return " or ".join(codes), " and ".join(f"{code}s" for code in codes)


@cache
def specialists(focus: str, *, or_related: bool = False) -> tuple[str, str]:
    """Return the specialists in a focus, in the singular and the plural."""
    name = f"{focus}{' (or related)' if or_related else ''} specialist"
    return name, f"{name}s"


def bar_phrases(market: Market, need: int, supporter: int) -> list[str]:
    """Return every rule that a pair breaks, each as a phrase about the supporter; none for an eligible pair."""
    pair = np.array([need]), np.array([supporter])
    km = market.rulebook.distance_km(*pair)
    flags = market.rulebook.broken(*pair, km)
    return [bar_phrase(market, need, supporter, rule, float(km[0])) for rule in RULES if flags[rule][0]]


def bar_phrase(market: Market, need: int, supporter: int, rule: str, km: float) -> str:
    """Return one broken rule as a phrase that follows the supporter's name; `km` is how far apart the pair is."""
    who, row, school = market.supporters[supporter], market.needs[need], market.school_of(need)
    if rule in ("forbidden", "declined"):
        made = decision_on(market, need, supporter, "forbid" if rule == "forbidden" else "declined")
        why = f" ({made['reason']})" if made["reason"] else ""
        return f"{'is forbidden here' if rule == 'forbidden' else 'has declined this need'}{why}"
    if rule == "accreditation":
        return f"is not accredited ({failed_criteria(market.verdicts)[who['supporter_id']]})"
    if rule == "dates":
        return _absence_phrase(market, need, supporter)
    if rule == "distance":
        limit_km = float(market.rulebook.limit_km[supporter])
        return f"is {_beyond(km, limit_km)} km away and travels at most {limit_km:g} km"
    if rule == "specialism":
        is_specialism = market.inputs.vocabulary.focuses[row["focus"]].is_specialism
        return f"does not have {row['focus']} as a specialism" if is_specialism else f"cannot support {row['focus']}"
    return {
        "designation": f"is an {who['designation']}, but the need is for an {holders(row['designations'])[0]}",
        "places": "offers no places",
        "phase": f"supports {joined(who['phases'])}, not {school['phase']}",
        "own school": "works at this school",
        "same trust": f"works in the same trust ({school['trust'] or school['trust_code']})",
        "same federation": f"works in the same federation ({school['federation']})",
        "conflict": "has declared a conflict with this school",
        "days": f"offers {counted_days(who['days_available'])}, but the need is for {row['days']:g}",
    }[rule]


def _absence_phrase(market: Market, need: int, supporter: int) -> str:
    """Return that a supporter is not available on the day of a need, and until when or from when they are."""
    day = market.rulebook.day_of(need)
    before, after = market.rulebook.absence_of(need, supporter) or (None, None)
    if after is None:
        when = f"available until {day_in_words(before, of_year=day.year)}" if before else "or on any other day"
    elif before is None:
        when = f"available from {day_in_words(after, of_year=day.year)}"
    else:
        when = f"unavailable until {day_in_words(after - timedelta(days=1), of_year=day.year)}"
    return f"is not available on {day_in_words(day)} ({when})"


def _beyond(km: float, limit_km: float) -> str:
    """Return a distance beyond a limit as its cell gives it, or with more decimals to show that it is beyond."""
    texts = (f"{rounded_km(np.array([km]))[0]:.2f}", f"{km:.3f}")
    return next((text for text in texts if float(text) > limit_km), f"{km:.6f}")


def decision_on(market: Market, need: int, supporter: int, kind: str) -> dict[str, str]:
    """Return the first decision of a kind about a need and a supporter."""
    about = [kind, market.needs[need]["need_id"], market.supporters[supporter]["supporter_id"]]
    decisions = market.inputs.decisions
    same = (decisions[["kind", "need_id", "supporter_id"]] == about).all(axis=1)
    return dict(decisions[same].iloc[0])
