"""Trusts and federations: which names mean the same one, however they are spelt."""

from collections.abc import Iterable, Iterator

from matching.errors import counted, shown
from matching.tables.vocabulary import comparable_letters

_MULTI_ACADEMY_TRUST = {"multi academy trust": "mat", "multiacademy trust": "mat"}


def group_key(name: str) -> str:
    """Return what the spellings of one trust or federation have in common; blank for a blank name.

    Capitals, spaces, punctuation, a leading 'The', a final 'Ltd' or 'Limited', and 'MAT' for 'Multi Academy Trust' make
    no difference: none of them sets two trusts apart. Any other word does.
    """
    words = comparable_letters(name.replace("'", "").replace("’", "").replace("&", " and ").casefold()).split()
    if words[:1] == ["the"] and len(words) > 1:
        del words[0]
    if words[-1:] in (["ltd"], ["limited"]) and len(words) > 1:
        del words[-1]
    key = " ".join(words)
    for long, short in _MULTI_ACADEMY_TRUST.items():
        key = key.removesuffix(long) + short if key.endswith(f" {long}") else key
    # A name of marks alone stays what it is.
    return key or name.casefold().strip()


def several_spellings(table: str, column: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the notice of trusts or federations that are spelt in more than one way, and read as one."""
    spellings: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        spellings.setdefault(group_key(name), []).append(name)
    several = [" and ".join(map(shown, sorted(found))) for key, found in sorted(spellings.items()) if len(found) > 1]
    if several:
        more = f" and {len(several) - 10:,} more" if len(several) > 10 else ""
        yield (
            f"{table}, {column}: {counted(len(several), 'name is', 'names are')} spelt in more than one way, and each "
            f"is read as one {column}: {'; '.join(several[:10])}{more}."
        )
