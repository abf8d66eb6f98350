"""Our tables: their columns and what each cell may hold."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np

from matching.tables.cell_values import (
    NONE_WORDS,
    NOT_APPLICABLE,
    ColumnParser,
    day,
    day_range,
    free_text,
    home_urn,
    identifier,
    iso_day,
    many,
    no_parser,
    number,
    one_of,
    parse_identifiers,
    parse_texts,
    parse_urns,
    percentage,
    reworded_days,
    text,
    urn,
    whole,
    whole_number_parser,
)
from matching.tables.contacts import UNREAD, UNREAD_COLUMNS
from matching.tables.grid import ENGLAND_EASTING_M, ENGLAND_NORTHING_M
from matching.tables.vocabulary import (
    COUNTS,
    DAYS,
    KILOMETRES,
    Reword,
    Vocabulary,
    as_found,
    phases_of_years,
    reworded_amount,
    reworded_words,
)

# Na and Null are names, and initials.
_NO_IDENTIFIER = NONE_WORDS - {"na", "nan", "null"}
_NO_NAME = _NO_IDENTIFIER | {"0"}
PRIORITIES = ("critical", "high", "normal")
INSPECTION_COLUMNS = ("ofsted_date", "ofsted_concern", "ofsted_areas", "inspected_on", "ofsted_found")
"""Columns of a schools table that only official files fill."""
NEED_STATES = ("open", "paused", "withdrawn")
"""A need that is not open is not assigned and not counted as unmet, unless a pin holds it."""
DECISION_KINDS = ("pin", "forbid", "declined")
RULE_CODES = (
    *("designation", "accreditation", "specialism", "phase", "distance", "own school", "same trust", "same federation"),
    *("conflict", "dates", "forbidden", "declined", "places", "days", "school limit", "home school limit"),
)
"""Every rule that a pin may break, in the order in which they are listed."""


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes
    ----------
    convert : callable
        The text of a cell that is not blank to its value; raises `CellError`.
    meaning : str
        What belongs in a cell, for people, without a verb.
    required : bool
        Whether the column must be in the header, with no blank cell unless `may_be_blank`.
    blank : object
        The value of a blank cell.
    none_words : frozenset of str
        Words that mean a blank cell, in small letters; 0 is what a look-up gives for one.
    reword : callable
        The words of a cell, each with the form that the column accepts, where that is plain; `convert` takes these
        forms, separated by ';'.
    units : mapping of str to float
        The units that a header may name, with what one of each is in the column's own.
    parse_column : callable
        The values of all cells at a time, the same as `convert` gives, or None.
    """

    name: str
    convert: Callable[[str], object]
    meaning: str
    required: bool = False
    may_be_blank: bool = False
    blank: object = ""
    dtype: str = "object"
    none_words: Collection[str] = NONE_WORDS | {"0"}
    reword: Reword = as_found
    units: Mapping[str, float] = field(default_factory=dict)
    parse_column: ColumnParser = no_parser

    @property
    def must_be_filled(self) -> bool:
        """Whether no cell may be blank."""
        return self.required and not self.may_be_blank


@dataclass(frozen=True)
class TableFormat:
    """The columns of one table, and those that identify a row (none if rows may repeat)."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """The names in their usual order."""
        return tuple(column.name for column in self.columns)

    def missing_from(self, header: Collection[str]) -> tuple[str, ...]:
        """Return the required columns that a header lacks; a school's location may be in metres or in degrees."""
        needed = [column.name for column in self.columns if column.required]
        if self.name == "schools" and not {"latitude", "longitude"} <= set(header):
            needed += ["easting", "northing"]
        return tuple(name for name in needed if name not in header)

    def known_in(self, header: Iterable[str], mapping: Mapping[str, str] | None = None) -> int:
        """Return how many columns of the format a header has, without those that no run reads.

        Schools and needs both have contacts, so they do not tell one from the other.
        """
        return len(set(self.columns_in(header, mapping).values()) - UNREAD_COLUMNS)

    def columns_in(self, header: Iterable[str], mapping: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the columns of the format that a header has, by their names there.

        Capital letters, spaces and hyphens do not matter: 'Days available' is days_available, unless another column has
        that very name.

        Parameters
        ----------
        mapping : mapping of str to str, optional
            Names of the file's columns to the format's, where they differ.
        """
        mapping, names = mapping or {}, self.column_names
        exact = {name: mapping.get(name, name) for name in header if mapping.get(name, name) in names}
        free = {_letters(name): name for name in names if name not in exact.values()}
        others = (name for name in header if name not in exact)
        return exact | {name: free[key] for name in others if (key := _letters(name)) in free}


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def table_formats(vocabulary: Vocabulary) -> Mapping[str, TableFormat]:
    """Return the tables of a run, by name; `baseline` is an earlier plan.csv, of which only the pairs are used."""
    # In these a 0 is a value.
    figure = partial(Column, blank=np.nan, none_words=NONE_WORDS)
    kinds = {
        "designation": tuple(vocabulary.designations),
        "phase": vocabulary.phases,
        "grade": vocabulary.grades,
        "priority": PRIORITIES,
        "state": NEED_STATES,
        "answer": ("yes", "no"),
        "focus": tuple(vocabulary.focuses),
        "specialism": vocabulary.specialisms,
    }

    def words(kind: str, what: str = "") -> Callable[[str], str]:
        listed = "focus" if kind == "specialism" else kind
        other, asked = vocabulary.synonyms[listed], vocabulary.doubtful.get(listed)
        return one_of(kinds[kind], what or kind, other, asked)

    def reword(kind: str, several: bool = False) -> Reword:
        other = vocabulary.synonyms["focus" if kind == "specialism" else kind]
        parse = phases_of_years if kind == "phase" else (lambda _: ())
        return reworded_words(kinds[kind], other, several=several, parse=parse)

    days, kilometres, count = map(reworded_amount, (DAYS, KILOMETRES, COUNTS))
    one_day, ranges = reworded_days(day), reworded_days(day_range, several=True)
    formats = (
        TableFormat(
            "schools",
            (
                Column("urn", urn, "unique reference number, six digits", required=True, parse_column=parse_urns),
                Column(
                    "name", text, "name of the school", required=True, none_words=_NO_NAME, parse_column=parse_texts
                ),
                Column(
                    "phase", words("phase"), "phase of education, in GIAS words", required=True, reword=reword("phase")
                ),
                figure(
                    "easting",
                    number(*ENGLAND_EASTING_M, "metres east", 3),
                    "metres",
                    parse_column=whole_number_parser(*ENGLAND_EASTING_M),
                ),
                figure(
                    "northing",
                    number(*ENGLAND_NORTHING_M, "metres north", 3),
                    "metres",
                    parse_column=whole_number_parser(*ENGLAND_NORTHING_M),
                ),
                Column("local_authority", text, "local authority"),
                Column("region", text, "region"),
                Column("trust", text, "multi-academy trust, blank for none"),
                Column("trust_code", text, "the trust's code in GIAS; takes precedence over its name"),
                Column("federation", text, "federation of schools with one governing body, blank for none"),
                Column("postcode", text, "postcode", parse_column=parse_texts),
                Column("ofsted", words("grade", "Ofsted grade"), "latest overall Ofsted grade", reword=reword("grade")),
                figure("pupils", whole(0, 50_000, "the number of pupils"), "number of pupils"),
                figure("fsm_percent", percentage(3), "% free school meals"),
                figure("latitude", number(49, 61, "degrees north", 15), "degrees, WGS84"),
                figure("longitude", number(-9, 3, "degrees east", 15), "degrees, WGS84"),
                Column("ofsted_date", iso_day, "day of the inspection that gave the overall grade"),
                Column("ofsted_concern", text, "Ofsted's category of concern"),
                Column("ofsted_areas", text, "graded areas, such as 'Inclusion: Needs attention; …'"),
                Column("inspected_on", iso_day, "day of the last inspection of any kind"),
                Column("ofsted_found", text, "where the overall grade was found"),
                *_unread_columns("schools"),
            ),
            key=("urn",),
        ),
        TableFormat(
            "supporters",
            (
                Column(
                    "supporter_id",
                    identifier,
                    "your own identifier",
                    required=True,
                    parse_column=parse_identifiers,
                    none_words=_NO_IDENTIFIER,
                ),
                Column(
                    "name", text, "name of the person", required=True, none_words=_NO_NAME, parse_column=parse_texts
                ),
                Column(
                    "designation", words("designation"), "NLE, LLE or SLE", required=True, reword=reword("designation")
                ),
                Column(
                    "school_urn",
                    home_urn,
                    "URN of the home school, or of the school nearest to where someone without one starts from",
                    required=True,
                ),
                Column(
                    "phases",
                    many(words("phase")),
                    "phases they can support",
                    required=True,
                    reword=reword("phase", several=True),
                ),
                Column(
                    "specialisms",
                    many(words("specialism")),
                    "specialisms, at least one for an SLE",
                    required=True,
                    may_be_blank=True,
                    blank=(),
                    reword=reword("specialism", several=True),
                ),
                Column(
                    "max_deployments",
                    whole(0, 1000, "a number of schools", COUNTS),
                    "blank: 1",
                    blank=1,
                    dtype="int64",
                    reword=count,
                    none_words=NOT_APPLICABLE,
                ),
                Column(
                    "days_available",
                    number(0, 10_000, "days", 2, DAYS),
                    "blank: no limit",
                    blank=np.inf,
                    reword=days,
                    units=DAYS,
                    none_words=NOT_APPLICABLE,
                ),
                Column(
                    "max_distance_km",
                    number(0.1, 1500, "km", 3, KILOMETRES),
                    "blank: the policy's",
                    blank=np.inf,
                    reword=kilometres,
                    units=KILOMETRES,
                    none_words=NOT_APPLICABLE,
                ),
                Column("alliance", text, "teaching school that places the supporter"),
                Column("conflicts", many(urn), "URNs of schools that they must not support", blank=()),
                Column("available_from", day, "first day on which they can begin", blank=None, reword=one_day),
                Column("available_until", day, "last day on which they can begin", blank=None, reword=one_day),
                Column(
                    "unavailable",
                    many(day_range),
                    "ranges of days, such as 2026-09-14/2026-09-28",
                    blank=(),
                    reword=ranges,
                ),
                *_unread_columns("supporters"),
            ),
            key=("supporter_id",),
        ),
        TableFormat(
            "needs",
            (
                Column(
                    "need_id",
                    identifier,
                    "your own identifier",
                    required=True,
                    parse_column=parse_identifiers,
                    none_words=_NO_IDENTIFIER,
                ),
                Column("school_urn", urn, "URN of the school that asks", required=True, parse_column=parse_urns),
                Column("focus", words("focus"), "what the need is about", required=True, reword=reword("focus")),
                Column(
                    "designations",
                    many(words("designation")),
                    "accepted designations",
                    blank=(),
                    reword=reword("designation", several=True),
                ),
                Column(
                    "days",
                    number(0, 10_000, "days", 2, DAYS),
                    "blank: 0",
                    blank=0.0,
                    reword=days,
                    units=DAYS,
                    none_words=NONE_WORDS,
                ),
                Column(
                    "priority",
                    words("priority"),
                    "blank: normal",
                    blank="normal",
                    reword=reword("priority"),
                    none_words=NONE_WORDS,
                ),
                Column(
                    "package", text, "the same word for needs of a school to be met together", none_words=NONE_WORDS
                ),
                Column("notes", free_text, "notes"),
                Column("requested_on", day, "day on which the school asked", blank=None, reword=one_day),
                Column(
                    "start_by",
                    day,
                    "day on which the supporter must be available, blank: today",
                    blank=None,
                    reword=one_day,
                ),
                Column(
                    "state",
                    words("state"),
                    "blank: open",
                    blank=NEED_STATES[0],
                    reword=reword("state"),
                    none_words=NONE_WORDS,
                ),
                *_unread_columns("needs"),
            ),
            key=("need_id",),
        ),
        TableFormat(
            "accreditation",
            (
                Column(
                    "supporter_id", identifier, "identifier as in supporters", required=True, none_words=_NO_IDENTIFIER
                ),
                Column(
                    "criterion", one_of(tuple(vocabulary.criteria), "criterion"), "a code such as SLE-1", required=True
                ),
                Column(
                    "met",
                    words("answer"),
                    "yes, no or blank",
                    required=True,
                    may_be_blank=True,
                    reword=reword("answer"),
                    none_words=NONE_WORDS,
                ),
                Column("evidence", free_text, "what shows it"),
                Column("checked_on", day, "day it was last checked", blank=None, reword=one_day),
            ),
            key=("supporter_id", "criterion"),
        ),
        TableFormat(
            "decisions",
            (
                Column("kind", one_of(DECISION_KINDS, "kind of decision"), "pin, forbid or declined", required=True),
                Column(
                    "supporter_id", identifier, "identifier as in supporters", required=True, none_words=_NO_IDENTIFIER
                ),
                Column(
                    "need_id",
                    identifier,
                    "identifier as in needs, or blank for every need of the school",
                    none_words=_NO_IDENTIFIER,
                ),
                Column("school_urn", urn, "where need_id is blank"),
                Column("reason", free_text, "why"),
                Column("by", text, "who decided"),
                Column("on", day, "when", blank=None, reword=one_day),
                Column("rules_broken", many(one_of(RULE_CODES, "rule")), "rules that a pin is made against", blank=()),
            ),
        ),
        TableFormat(
            "baseline",
            (
                Column("need_id", identifier, "identifier of the need", required=True, none_words=_NO_IDENTIFIER),
                Column(
                    "supporter_id", identifier, "identifier of the supporter", required=True, none_words=_NO_IDENTIFIER
                ),
            ),
            key=("need_id",),
        ),
    )
    return {one.name: one for one in formats}


def _unread_columns(table: str) -> Iterable[Column]:
    return (Column(name, convert, meaning) for name, (convert, meaning) in UNREAD[table].items())


def known_columns(form: TableFormat, mapping: Mapping[str, str] | None = None) -> Callable[[Sequence[str]], int]:
    """Return a function that counts the columns of a format in a header, to find the header of a file.

    Parameters
    ----------
    mapping : mapping of str to str, optional
        Names of the file's columns to the format's, where they differ.
    """
    return lambda header: form.known_in(header, mapping)


def needed_columns(form: TableFormat, mapping: Mapping[str, str] | None = None) -> Callable[[str], bool]:
    """Return a function that accepts the names of the columns in which no cell may be blank."""
    needed = {column.name for column in form.columns if column.must_be_filled}
    return lambda name: form.columns_in([name], mapping).get(name) in needed


def other_table(header: Collection[str], form: TableFormat, vocabulary: Vocabulary) -> str:
    """Return the name of the table that a header belongs to if that is not `form`, and otherwise nothing."""
    for other in table_formats(vocabulary).values():
        required = {column.name for column in other.columns if column.required}
        # Tables share columns: the file is another table only if more of its columns belong there.
        if required <= set(other.columns_in(header).values()) and other.known_in(header) > form.known_in(header):
            return other.name
    return ""
