"""What a sentence states: the numbers, names, codes and words of the vocabulary in it, apart from how it is worded."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from matching.inputs.inputs import Inputs

Fact = tuple[str, str]
"""What a sentence states: its kind and the text. The kind of a number is its unit (`km`, `day` or blank); others are
`term` for a name or a word of the vocabulary, `code` for an identifier, and `word` for any other proper name."""

_WORD = re.compile(r"[^\W_](?:[\w’'&.-]*\w)?")
_NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")
_UNIT = re.compile(r"\s*(km|day)")
_OPENINGS = re.compile(r"(?:^|[.?!:;]\s)[\s'\"(]*$")
_SHORTEST_TERM = 3
# Distances were rounded from hundredths of a kilometre by some versions.
_HUNDREDTH_KM = 0.0051


class Terms:
    """The names and words that sentences about a run can state."""

    def __init__(self, inputs: Inputs) -> None:
        self._by_word: dict[str, list[tuple[int, str]]] = defaultdict(list)
        vocabulary, decisions = inputs.vocabulary, inputs.decisions
        names: set[str] = {*vocabulary.focuses, *vocabulary.phases, *inputs.needs["package"], *inputs.files}
        names |= {*inputs.schools["name"], *inputs.schools["trust"], *inputs.supporters["name"]}
        names |= {*decisions["reason"], *decisions["by"], *(file.name for file in inputs.files.values())}
        for name in sorted(names, key=len, reverse=True):
            word = _WORD.search(name)
            # A letter or two could be part of any sentence.
            if word and len(name) >= _SHORTEST_TERM:
                self._by_word[word[0]].append((word.start(), name))

    def stated(self, sentence: str) -> Counter[Fact]:
        """Return what a sentence states, and how often."""
        return Counter(self._facts(sentence))

    def _facts(self, sentence: str) -> Iterator[Fact]:
        place = 0
        while word := _WORD.search(sentence, place):
            place = word.end()
            term = self._term_at(sentence, word)
            number = _NUMBER.fullmatch(word[0])
            if term:
                yield "term", term[1]
                place = word.start() - term[0] + len(term[1])
            elif number:
                unit = _UNIT.match(sentence, place)
                yield unit[1] if unit else "", number[0].replace(",", "")
            elif any(letter.isdigit() for letter in word[0]):
                yield "code", word[0]
            elif any(letter.isupper() for letter in word[0][1:]):
                yield "word", word[0].removesuffix("s")
            elif word[0][0].isupper() and not _OPENINGS.search(sentence[: word.start()]):
                yield "word", word[0]

    def _term_at(self, sentence: str, word: re.Match[str]) -> tuple[int, str] | None:
        """Return the longest term there, with how far in it the word begins."""
        for before, term in self._by_word.get(word[0], ()):
            start = word.start() - before
            end = start + len(term)
            if start >= 0 and sentence.startswith(term, start) and not sentence[end : end + 1].isalnum():
                return before, term
        return None


def is_among(fact: Fact, facts: Iterable[Fact]) -> bool:
    """Whether a fact is one of some, where distances may be rounded in different ways."""
    known = set(facts)
    if fact in known:
        return True
    kind, text = fact
    if kind not in ("km", "day", ""):
        return False
    half = 0.5 * 10.0 ** -len(text.partition(".")[2]) + (_HUNDREDTH_KM if kind == "km" else 1e-9)
    return any(
        (one == kind and kind != "" and abs(float(text) - float(other)) <= half)
        or (one == kind == "" and float(text) == float(other))
        for one, other in known
        if one in ("km", "day", "")
    )
