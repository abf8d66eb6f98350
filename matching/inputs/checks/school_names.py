"""Names of schools to the schools that may be meant, each with how well the names agree.

It only ever offers: whoever writes a name where a URN belongs is shown the match and types the URN.
"""

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

# Comparing letter by letter is slow: only names that share a rare word are compared.
_MOST_COMPARED = 60
_LEAST_SCORE = 0.6


@dataclass(frozen=True)
class Match:
    """A school whose name is close.

    `score` is the share of the letters that agree, from 0 to 1; `alike` is how many schools have such a name.
    """

    urn: str
    name: str
    score: float
    alike: int


class SchoolNames:
    """The names of a schools table, ready to be looked up."""

    def __init__(self, schools: Iterable[tuple[str, str]]) -> None:
        self._schools = tuple((urn, name, _folded(name)) for urn, name in schools)
        self._having = Counter(folded for _, _, folded in self._schools)
        self._with_word: dict[str, list[int]] = defaultdict(list)
        for place, (_, _, folded) in enumerate(self._schools):
            for word in set(folded.split()):
                self._with_word[word].append(place)

    def closest(self, name: str) -> Match | None:
        """The school with the closest name; None where none is close."""
        wanted = _folded(name)
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
        return Match(urn, found, score, self._having[_folded(found)]) if score >= _LEAST_SCORE else None


_WORDS = {"st": "saint", "ce": "cofe", "cofe": "cofe", "rc": "catholic", "sch": "school", "pri": "primary"}


def _folded(name: str) -> str:
    """A name for comparison: small letters, without marks, common short forms as one."""
    folded = (
        name.casefold().replace("church of england", "cofe").replace("c of e", "cofe").replace("'", "").replace("’", "")
    )
    words = "".join(c if c.isalnum() else " " for c in folded).split()
    return " ".join(_WORDS.get(word, word) for word in words)
