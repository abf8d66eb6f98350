"""The columns of a user's file under our names: what the user chose, and what the headers suggest.

The choices are a small TOML file, `columns.toml`, which is one of the inputs of a plan, so that the plan can be read
again in the same way.
"""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

from matching.errors import DataError, Problem, did_you_mean, shown
from matching.tables.files import Source, Where
from matching.tables.formats import table_formats
from matching.tables.reference import reference_rows
from matching.tables.toml_files import toml_keys, toml_value
from matching.tables.vocabulary import comparable_letters, standard_vocabulary

Mappings = Mapping[str, Mapping[str, str]]
"""By table: their header to our column."""

_CLOSE = 80
# Words that change nothing in a header.
_FILLERS = frozenset(("the", "a", "an", "of", "your", "their", "they", "please", "is"))
# Two headers in which these differ do not mean the same, however similar they are: a 'not', an end of a span.
_MARKS_OF_MEANING = tuple(
    re.compile(rf"\b(?:{words})")
    for words in (
        r"(?:not|non|never|without|except|cannot|cant|dont|wont)\b|un(?!til|der|i)",
        "from|after|since|start|begin|first|earliest",
        r"(?:to|by|end|last)\b|until|till|before|finish|latest",
        "min|least",
        "max|most",
    )
)
# Their columns have the names that the publisher gave them, but any sheet or row may hold them.
_OFFICIAL = ("ofsted", "links")
_EXAMPLE = 'Write lines such as "Full name" = "name".'


@dataclass(frozen=True)
class TableOptions:
    """How one table is read, as far as the user has said it.

    Attributes
    ----------
    mapping : mapping of str to str
        Their header to our column.
    not_used : tuple of str
        Their headers that are none of our columns, whatever they are called.
    sheet : str
        The sheet of a workbook, or the file of a zip, that holds it; blank for the one with the best header.
    header_row : int
        The row of the header, counted from 1; 0 for the one that fits best.
    """

    mapping: Mapping[str, str] = field(default_factory=dict)
    not_used: tuple[str, ...] = ()
    sheet: str = ""
    header_row: int = 0

    @property
    def where(self) -> Where:
        """Where the table is in its file."""
        return Where(self.sheet, self.header_row)

    def also(self, mapping: Mapping[str, str]) -> "TableOptions":
        """Return the options with more headers mapped."""
        return replace(self, mapping={**self.mapping, **mapping})


@dataclass(frozen=True)
class ReadingOptions:
    """How the tables are read, by table, and whether faulty rows are left out."""

    tables: Mapping[str, TableOptions] = field(default_factory=dict)
    leave_out: bool = False

    def of(self, table: str) -> TableOptions:
        """Return the options of one table."""
        return self.tables.get(table, TableOptions())

    @property
    def where_official(self) -> dict[str, Where]:
        """The place of the table in a GIAS extract, and in the files that add to it."""
        return {name: self.of(name).where for name in ("schools", "ofsted", "links")}

    def with_table(self, table: str, options: TableOptions | None) -> "ReadingOptions":
        """Return the options with those of one table, or (None) without them."""
        others = {name: one for name, one in self.tables.items() if name != table}
        return replace(self, tables={**others, table: options} if options not in (None, TableOptions()) else others)


@dataclass(frozen=True)
class Suggestion:
    """A column of ours that a header may mean; `score` is 1 for words that mean it, and less for similar ones."""

    header: str
    column: str
    score: float


def suggest_columns(table: str, header: Sequence[str]) -> tuple[Suggestion, ...]:
    """Suggest what each unknown header means; a column that the table has already is not suggested.

    Nor is one that is similar and may mean the opposite: 'Available' is not unavailable.

    Parameters
    ----------
    table : str
        Name of one of our tables, such as supporters.

    Returns
    -------
    tuple of Suggestion
        In the order of the header; each column at most once, for the header that is closest to it.
    """
    known = _words(table)
    columns = {*known.values()}
    there = {*header}
    words = {key: column for key, column in known.items() if column not in there}
    suggestions = []
    for name in header:
        key = header_key(name)
        if not key or name in columns:
            continue
        if key in words:
            suggestions.append(Suggestion(name, words[key], 1))
        elif close := next((one for one in _similar(table, key) if one[0] in words), None):
            suggestions.append(Suggestion(name, words[close[0]], round(min(close[1], 99) / 100, 2)))
    # Our own name for the column comes first, then the closest header, then the first of several.
    best: dict[str, Suggestion] = {}
    for one in sorted(suggestions, key=lambda one: (header_key(one.header) != header_key(one.column), -one.score)):
        best.setdefault(one.column, one)
    return tuple(one for one in suggestions if best[one.column] is one)


def header_key(header: str) -> str:
    """Return a header in the form in which it is compared: its words in small letters and singular, in one order."""
    words = comparable_letters(header.replace("'", "").replace("’", "")).split()
    singular = [word.removesuffix("s") if len(word) > 3 else word for word in words if word not in _FILLERS]
    return " ".join(sorted(singular))


def with_headers_offered(problems: Sequence[Problem], table: str, header: Sequence[str]) -> list[Problem]:
    """Return the problems; that of a missing column gets the header that may mean it as its fix."""
    found = {one.column: one.header for one in suggest_columns(table, header)}
    return [
        replace(
            one,
            fix=f"Is it the column {shown(found[one.column])}? Then rename that to '{one.column}', "
            "or name it in a columns file.",
        )
        if one.row == 1 and one.column in found
        else one
        for one in problems
    ]


def read_options(source: Source | None) -> ReadingOptions:
    """Read `columns.toml`.

    For each table it has lines of "their header" = "our_column", or "" for a header that is not used; then leave_out =
    true or false; and under [sheets] and [header_rows] the sheet and the row of the header, by table.

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
    sheets, rows = keys.get("sheets", {}), keys.get("header_rows", {})
    named = {*keys, *sheets, *rows} - {"leave_out", *_BY_TABLE}
    tables = {table: table_options(keys.get(table, {}), sheets.get(table, ""), rows.get(table, 0)) for table in named}
    return ReadingOptions(dict(sorted(tables.items())), keys.get("leave_out", False))


def table_options(pairs: Mapping[str, str], sheet: str = "", header_row: int = 0) -> TableOptions:
    """Return the options of a table whose headers are mapped so; one that is mapped to "" is not used."""
    mapping = {header: column for header, column in pairs.items() if column}
    return TableOptions(mapping, tuple(header for header in pairs if header not in mapping), sheet, header_row)


def options_source(options: ReadingOptions) -> Source:
    """Return the options as a file among the inputs of a plan; `read_options` reads it."""
    lines = ["leave_out = true"] if options.leave_out else []
    tables = sorted(options.tables.items())
    for name, values in (
        ("sheets", [(table, one.sheet) for table, one in tables]),
        ("header_rows", [(table, one.header_row) for table, one in tables]),
    ):
        written = [f"{table} = {toml_value(value)}" for table, value in values if value]
        lines += [f"[{name}]", *written] if written else []
    for table, one in tables:
        pairs = {**one.mapping, **dict.fromkeys(one.not_used, "")}
        written = [f"{toml_value(header)} = {toml_value(column)}" for header, column in pairs.items()]
        lines += [f"[{table}]", *written] if written else []
    return Source("columns.toml", "".join(f"{line}\n" for line in lines).encode("utf-8"))


# By key: whether a value can be used, and what to write.
_BY_TABLE: Mapping[str, tuple[Callable[[object], bool], str]] = {
    "sheets": (
        lambda value: isinstance(value, str),
        'Write the name of the sheet in quotation marks, such as supporters = "Our leaders".',
    ),
    "header_rows": (
        lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 1,
        "Write the number of the row, such as supporters = 3.",
    ),
}


def _problems(name: str, keys: Mapping[str, object]) -> Iterator[Problem]:
    forms = table_formats(standard_vocabulary())
    for table, pairs in keys.items():
        if table == "leave_out":
            if not isinstance(pairs, bool):
                yield Problem(name, None, table, "", "The value is neither true nor false.", "Write leave_out = true.")
        elif table in _BY_TABLE:
            yield from _problems_by_table(name, table, pairs, forms)
        elif unknown := _unknown_table(name, table, table, forms):
            yield unknown
        elif not isinstance(pairs, dict) or not all(isinstance(column, str) for column in pairs.values()):
            message = "Each line must name one of our columns in quotation marks."
            yield Problem(name, None, table, "", message, _EXAMPLE)
        else:
            yield from _column_problems(name, table, pairs, forms[table].column_names)


def _problems_by_table(name: str, key: str, values: object, forms: Collection[str]) -> Iterator[Problem]:
    is_usable, example = _BY_TABLE[key]
    if not isinstance(values, dict):
        yield Problem(name, None, key, "", f"[{key}] has one line for each table.", example)
        return
    for table, value in values.items():
        if unknown := _unknown_table(name, f"{key}.{table}", table, [*forms, *_OFFICIAL]):
            yield unknown
        elif not is_usable(value):
            yield Problem(name, None, f"{key}.{table}", "", "The value cannot be used.", example)


def _unknown_table(name: str, column: str, table: str, forms: Collection[str]) -> Problem | None:
    known = [one for one in forms if one != "baseline"]
    if table in known:
        return None
    fix = did_you_mean(table, known, "Known are: " + ", ".join(known) + ".")
    return Problem(name, None, column, "", f"{shown(table)} is not one of the tables.", fix)


def _column_problems(name: str, table: str, pairs: Mapping[str, str], known: Sequence[str]) -> Iterator[Problem]:
    columns = list(pairs.values())
    for header, column in pairs.items():
        if column and column not in known:
            fix = did_you_mean(column, known, "Known are: " + ", ".join(known) + ".")
            message = f"{shown(column)} is not a column of the {table} table."
            yield Problem(name, None, f"{table}.{header}", column, message, fix)
        elif column and columns.count(column) > 1:
            message = f"Two headers are mapped to {column}."
            yield Problem(name, None, f"{table}.{header}", column, message, "Keep one of the two lines.")


@lru_cache(maxsize=20_000)
def _similar(table: str, key: str) -> tuple[tuple[str, float], ...]:
    """Return the known headers that are similar to one and may mean the same, the closest first, with their scores."""
    marks = [mark.search(key) is None for mark in _MARKS_OF_MEANING]
    found = process.extract(key, list(_words(table)), scorer=fuzz.ratio, score_cutoff=_CLOSE, limit=None)
    return tuple(
        (close, score)
        for close, score, _ in found
        if [mark.search(close) is None for mark in _MARKS_OF_MEANING] == marks
    )


@cache
def _words(table: str) -> Mapping[str, str]:
    """Return the column that each header of a table means, by its `header_key`."""
    found = {header_key(row["found"]): row["column"] for row in reference_rows("header_words") if row["table"] == table}
    return found | {header_key(name): name for name in table_formats(standard_vocabulary())[table].column_names}
