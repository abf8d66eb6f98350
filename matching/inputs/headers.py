"""The columns of a user's file under our names: what the user chose, and what the headers suggest.

The choices are a small TOML file, `columns.toml`, which is one of the inputs of a plan, so that the plan can be read
again in the same way.
"""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

from matching.errors import DataError, Problem, did_you_mean, shown
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.reference import reference_rows
from matching.tables.toml_files import toml_keys, toml_value
from matching.tables.vocabulary import comparable_letters, standard_vocabulary

Mappings = Mapping[str, Mapping[str, str]]
"""By table: their header to our column."""

_CLOSE = 0.75
_EXAMPLE = 'Write lines such as "Full name" = "name".'


@dataclass(frozen=True)
class ReadingOptions:
    """How the tables are read: the `mappings` of their headers, and whether faulty rows are left out."""

    mappings: Mappings = field(default_factory=dict)
    leave_out: bool = False


@dataclass(frozen=True)
class Suggestion:
    """A column of ours that a header may mean; `score` is 1 for the same words, and less for similar ones."""

    header: str
    column: str
    score: float


def suggest_columns(table: str, header: Sequence[str]) -> tuple[Suggestion, ...]:
    """Suggest what each unknown header means; a column that the table has already is not suggested.

    Parameters
    ----------
    table : str
        Name of one of our tables, such as supporters.

    Returns
    -------
    tuple of Suggestion
        In the order of the header; each column at most once, for the header that is closest to it.
    """
    form = table_formats(standard_vocabulary())[table]
    free = [name for name in form.column_names if name not in header]
    words = {comparable_letters(name): name for name in free}
    words |= {found: column for found, column in _words().get(table, ()) if column in free}
    suggestions = []
    for name in header:
        if not name or name in form.column_names:
            continue
        close = difflib.get_close_matches(comparable_letters(name), words, n=1, cutoff=_CLOSE)
        if close:
            score = difflib.SequenceMatcher(None, comparable_letters(name), close[0]).ratio()
            suggestions.append(Suggestion(name, words[close[0]], round(score, 2)))
    best = {one.column: one for one in sorted(suggestions, key=lambda one: one.score)}
    return tuple(one for one in suggestions if best[one.column] is one)


def read_options(source: Source | None) -> ReadingOptions:
    """Read `columns.toml`: for each table lines of "their header" = "our_column", and leave_out = true or false.

    Raises
    ------
    DataError
    """
    if source is None:
        return ReadingOptions()
    keys = toml_keys(source, _EXAMPLE)
    problems = list(_problems(source.name, keys))
    if problems:
        raise DataError(problems)
    mappings = {name: dict(pairs) for name, pairs in keys.items() if name != "leave_out"}
    return ReadingOptions(mappings, keys.get("leave_out", False))


def options_source(options: ReadingOptions) -> Source:
    """Return the options as a file among the inputs of a plan; `read_options` reads it."""
    lines = ["leave_out = true"] if options.leave_out else []
    for table, pairs in sorted(options.mappings.items()):
        written = [f"{toml_value(header)} = {toml_value(column)}" for header, column in pairs.items()]
        lines += [f"[{table}]", *written] if written else []
    return Source("columns.toml", "".join(f"{line}\n" for line in lines).encode("utf-8"))


def _problems(name: str, keys: Mapping[str, object]) -> Iterator[Problem]:
    forms = table_formats(standard_vocabulary())
    for table, pairs in keys.items():
        if table == "leave_out":
            if not isinstance(pairs, bool):
                yield Problem(name, None, table, "", "The value is neither true nor false.", "Write leave_out = true.")
            continue
        if table not in forms or table == "baseline":
            known = [one for one in forms if one != "baseline"]
            fix = did_you_mean(table, known, "Known are: " + ", ".join(known) + ".")
            yield Problem(name, None, table, "", f"{shown(table)} is not one of the tables.", fix)
        elif not isinstance(pairs, dict) or not all(isinstance(column, str) for column in pairs.values()):
            message = "Each line must name one of our columns in quotation marks."
            yield Problem(name, None, table, "", message, _EXAMPLE)
        else:
            yield from _column_problems(name, table, pairs, forms[table].column_names)


def _column_problems(name: str, table: str, pairs: Mapping[str, str], known: Sequence[str]) -> Iterator[Problem]:
    columns = list(pairs.values())
    for header, column in pairs.items():
        if column not in known:
            fix = did_you_mean(column, known, "Known are: " + ", ".join(known) + ".")
            message = f"{shown(column)} is not a column of the {table} table."
            yield Problem(name, None, f"{table}.{header}", column, message, fix)
        elif columns.count(column) > 1:
            message = f"Two headers are mapped to {column}."
            yield Problem(name, None, f"{table}.{header}", column, message, "Keep one of the two lines.")


@cache
def _words() -> Mapping[str, tuple[tuple[str, str], ...]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in reference_rows("header_words"):
        found.setdefault(row["table"], []).append((row["found"], row["column"]))
    return {table: tuple(pairs) for table, pairs in found.items()}
