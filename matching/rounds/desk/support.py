"""The support itself, as a round records it: what was agreed, the visits, the reviews and what the school says of it.

Days are exact: decimals of whole quarters where a person records them. Nothing here enters a score or a plan.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

from matching.errors import shown
from matching.rounds.history.events import ENDED, Event, Pair

RATINGS: Mapping[str, str] = MappingProxyType(
    {"4": "A great difference", "3": "A clear difference", "2": "Some difference", "1": "No difference yet"}
)
"""What difference the support made, by the number that an evaluation records, the best first."""

SHORT_RATINGS: Mapping[str, str] = MappingProxyType({"4": "Great", "3": "Clear", "2": "Some", "1": "None yet"})
"""The same for the headings of tables and charts."""

LONGEST_VISIT = Decimal(1)
"""The most days that one person can spend on visits on one day."""

MOST_DAYS = Decimal(1_000)
"""The most days that can be agreed for a deployment."""

_WRITTEN_DAYS = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")


@dataclass(frozen=True)
class Terms:
    """What was agreed for a deployment; what was not is None or blank.

    `days` is in days, and `number` is that of the event.
    """

    number: int
    start: date | None = None
    end: date | None = None
    days: Decimal | None = None
    objectives: str = field(default="", repr=False)
    review_on: date | None = None


@dataclass(frozen=True)
class Visit:
    """A visit: its day, its length in days, who was there (blank: the supporter alone) and a note."""

    number: int
    on: date
    days: Decimal
    by_whom: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Review:
    """A review that was held, with what was said."""

    number: int
    on: date
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Evaluation:
    """What the receiving school says: `rating` is a key of `RATINGS`, and `text` its words on the impact."""

    number: int
    on: date
    rating: str
    text: str = field(default="", repr=False)


@dataclass(frozen=True)
class Support:
    """What is recorded about the support of every deployment, as `support_of` returns it.

    Attributes
    ----------
    terms : mapping of Pair to Terms
        The latest since the deployment was last ended.
    visits : mapping of Pair to tuple of Visit
        By day. Visits stay when a deployment ends: the days were given.
    reviews : mapping of Pair to tuple of Review
    evaluations : mapping of Pair to tuple of Evaluation
    """

    terms: Mapping[Pair, Terms] = field(default_factory=dict)
    visits: Mapping[Pair, tuple[Visit, ...]] = field(default_factory=dict)
    reviews: Mapping[Pair, tuple[Review, ...]] = field(default_factory=dict)
    evaluations: Mapping[Pair, tuple[Evaluation, ...]] = field(default_factory=dict)

    def days_used(self, pair: Pair) -> Decimal:
        """Return the days of all visits of a deployment."""
        return sum((one.days for one in self.visits.get(pair, ())), Decimal(0))

    def days_of(self, supporter_id: str, on: date | None = None) -> Decimal:
        """Return the days of all visits of a supporter, or those of one day."""
        return sum(
            (
                one.days
                for pair, visits in self.visits.items()
                if pair[1] == supporter_id
                for one in visits
                if on in (None, one.on)
            ),
            Decimal(0),
        )

    def with_visit(self, pair: Pair, visit: Visit) -> "Support":
        """Return the support with one more visit."""
        return replace(self, visits={**self.visits, pair: (*self.visits.get(pair, ()), visit)})

    def days_agreed(self, pair: Pair, asked: float) -> Decimal:
        """Return the days agreed for a deployment: those of its terms, or else those that the need asks for."""
        terms = self.terms.get(pair)
        return exact(asked) if terms is None or terms.days is None else terms.days


_Dated = TypeVar("_Dated", Visit, Review, Evaluation)


def support_of(holding: Iterable[Event]) -> Support:
    """Return the support that events record: those of one round that are not undone, in order."""
    terms: dict[Pair, Terms] = {}
    visits: dict[Pair, list[Visit]] = {}
    reviews: dict[Pair, list[Review]] = {}
    evaluations: dict[Pair, list[Evaluation]] = {}
    for one in holding:
        pair, about = one.pair, one.about
        if pair is None:
            continue
        if one.kind == "terms":
            terms[pair] = _terms(one)
        elif one.kind == "visit":
            visit = Visit(one.number, _on(one), Decimal(about["days"]), about.get("by_whom", ""), about.get("text", ""))
            visits.setdefault(pair, []).append(visit)
        elif one.kind == "review":
            reviews.setdefault(pair, []).append(Review(one.number, _on(one), about.get("text", "")))
        elif one.kind == "evaluation":
            evaluation = Evaluation(one.number, _on(one), about["rating"], about.get("text", ""))
            evaluations.setdefault(pair, []).append(evaluation)
        elif one.kind == "declined" or (one.kind == "status" and about["status"] in ENDED):
            # Who is asked again agrees to new terms.
            terms.pop(pair, None)
    return Support(terms, _by_day(visits), _by_day(reviews), _by_day(evaluations))


def _terms(event: Event) -> Terms:
    start, end, review_on = (_day(event.about.get(name, "")) for name in ("start", "end", "review_on"))
    days = event.about.get("days", "")
    return Terms(
        event.number, start, end, Decimal(days) if days else None, event.about.get("objectives", ""), review_on
    )


def _on(event: Event) -> date:
    return _day(event.about.get("on", "")) or event.at.date()


def _day(written: str) -> date | None:
    return date.fromisoformat(written) if written else None


def _by_day(found: Mapping[Pair, list[_Dated]]) -> dict[Pair, tuple[_Dated, ...]]:
    return {pair: tuple(sorted(listed, key=lambda one: (one.on, one.number))) for pair, listed in found.items()}


# ---- days ----------------------------------------------------------------------------------------------------------


def quarters(written: str, most: Decimal) -> Decimal:
    """Return days in whole quarters, as they are recorded.

    Raises
    ------
    ValueError
        They are not, or are more than `most`; with a message and what to do, as sentences.
    """
    days = Decimal(written) if _WRITTEN_DAYS.fullmatch(written) else None
    if days is None or days <= 0 or days % Decimal("0.25"):
        raise ValueError(f"{shown(written)} is not a number of quarter days.", "Give quarters, such as 0.25, 0.5 or 1.")
    if days > most:
        raise ValueError(f"{shown(written)} is more than {days_in_words(most)}.", "Give fewer days.")
    return days


def exact(days: float) -> Decimal:
    """Return the days of a table, which have two decimals at most, exactly."""
    return Decimal(f"{days:.2f}")


def plain(days: Decimal) -> str:
    """Return a number of days without needless zeros."""
    return f"{days:.2f}".rstrip("0").rstrip(".")


def days_in_words(days: Decimal) -> str:
    """Return a number of days with its noun: 0.25 days, 1 day."""
    return f"{plain(days)} {'day' if days == 1 else 'days'}"
