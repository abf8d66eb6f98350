"""The school that a name may mean. It is only offered: the user enters its URN."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from matching.tables.vocabulary import comparable_letters

# Comparing letter by letter is slow: only names that share a rare word are compared.
_MOST_COMPARED = 60
_LEAST_SCORE = 0.6


@dataclass(frozen=True)
class Match:
    """A school with a similar name.

    `score`, from 0 to 1, is the share of letters that agree; `alike` is the number of schools with its name.
    """

    urn: str
    name: str
    score: float
    alike: int


class SchoolNames:
    """An index of the names of a schools table."""

    def __init__(self, schools: Iterable[tuple[str, str]]) -> None:
        self._schools = tuple((urn, name, _comparable_name(name)) for urn, name in schools)
        self._having = Counter(folded for _, _, folded in self._schools)
        self._with_word: dict[str, list[int]] = defaultdict(list)
        for place, (_, _, folded) in enumerate(self._schools):
            for word in set(folded.split()):
                self._with_word[word].append(place)

    def closest(self, name: str) -> Match | None:
        """Return the school with the closest name; None where none is close."""
        wanted = _comparable_name(name)
        places: dict[int, None] = {}
        for word in sorted(set(wanted.split()) & self._with_word.keys(), key=lambda word: len(self._with_word[word])):
            places |= dict.fromkeys(self._with_word[word][: _MOST_COMPARED - len(places)])
        scored = [
            (difflib.SequenceMatcher(None, wanted, self._schools[place][2]).ratio(), self._schools[place])
            for place in places
        ]
        if not scored:
            return None
        score, (urn, found, _) = max(scored, key=lambda one: (one[0], one[1]))
        return Match(urn, found, score, self._having[_comparable_name(found)]) if score >= _LEAST_SCORE else None


_WORDS = {"st": "saint", "ce": "cofe", "cofe": "cofe", "rc": "catholic", "sch": "school", "pri": "primary"}


def _comparable_name(name: str) -> str:
    """Return a name for comparison: small letters, no punctuation, one form for common abbreviations."""
    shortened = name.casefold().replace("church of england", "cofe").replace("c of e", "cofe")
    words = comparable_letters(shortened.replace("'", "").replace("’", "")).split()
    return " ".join(_WORDS.get(word, word) for word in words)
