"""Our tables: their columns and what each cell may hold."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from matching.tables.cell_values import (
    ColumnParser,
    day,
    day_range,
    free_text,
    identifier,
    iso_day,
    many,
    no_parser,
    number,
    one_of,
    parse_identifiers,
    parse_texts,
    parse_urns,
    reworded_days,
    text,
    urn,
    whole,
    whole_number_parser,
)
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
    reword: Reword = as_found
    units: Mapping[str, float] = field(default_factory=dict)
    parse_column: ColumnParser = no_parser


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

    def known_in(self, header: Iterable[str]) -> int:
        """Return how many columns of the format a header has."""
        return len(set(header).intersection(self.column_names))


def table_formats(vocabulary: Vocabulary) -> Mapping[str, TableFormat]:
    """Return the tables of a run, by name; `baseline` is an earlier plan.csv, of which only the pairs are used."""
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
    one_day, ranges = reworded_days(day), reworded_days(day_range)
    formats = (
        TableFormat(
            "schools",
            (
                Column("urn", urn, "unique reference number, six digits", required=True, parse_column=parse_urns),
                Column("name", text, "name of the school", required=True, parse_column=parse_texts),
                Column(
                    "phase", words("phase"), "phase of education, in GIAS words", required=True, reword=reword("phase")
                ),
                Column(
                    "easting",
                    number(*ENGLAND_EASTING_M, "metres east", 3),
                    "metres",
                    blank=np.nan,
                    parse_column=whole_number_parser(*ENGLAND_EASTING_M),
                ),
                Column(
                    "northing",
                    number(*ENGLAND_NORTHING_M, "metres north", 3),
                    "metres",
                    blank=np.nan,
                    parse_column=whole_number_parser(*ENGLAND_NORTHING_M),
                ),
                Column("local_authority", text, "local authority"),
                Column("region", text, "region"),
                Column("trust", text, "multi-academy trust, blank for none"),
                Column("postcode", text, "postcode", parse_column=parse_texts),
                Column("ofsted", words("grade", "Ofsted grade"), "latest overall Ofsted grade", reword=reword("grade")),
                Column("pupils", whole(0, 50_000, "the number of pupils"), "number of pupils", blank=np.nan),
                Column("fsm_percent", number(0, 100, "a percentage", 3), "% free school meals", blank=np.nan),
                Column("latitude", number(49, 61, "degrees north", 15), "degrees, WGS84", blank=np.nan),
                Column("longitude", number(-9, 3, "degrees east", 15), "degrees, WGS84", blank=np.nan),
                Column("ofsted_date", iso_day, "day of the inspection that gave the overall grade"),
                Column("ofsted_concern", text, "Ofsted's category of concern"),
                Column("ofsted_areas", text, "graded areas, such as 'Inclusion: Needs attention; …'"),
                Column("inspected_on", iso_day, "day of the last inspection of any kind"),
                Column("ofsted_found", text, "where the overall grade was found"),
            ),
            key=("urn",),
        ),
        TableFormat(
            "supporters",
            (
                Column(
                    "supporter_id", identifier, "your own identifier", required=True, parse_column=parse_identifiers
                ),
                Column("name", text, "name of the person", required=True, parse_column=parse_texts),
                Column(
                    "designation", words("designation"), "NLE, LLE or SLE", required=True, reword=reword("designation")
                ),
                Column("school_urn", urn, "URN of the home school", required=True),
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
                ),
                Column(
                    "days_available",
                    number(0, 10_000, "days", 2, DAYS),
                    "blank: no limit",
                    blank=np.inf,
                    reword=days,
                    units=DAYS,
                ),
                Column(
                    "max_distance_km",
                    number(0.1, 1500, "km", 3, KILOMETRES),
                    "blank: the policy's",
                    blank=np.inf,
                    reword=kilometres,
                    units=KILOMETRES,
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
            ),
            key=("supporter_id",),
        ),
        TableFormat(
            "needs",
            (
                Column("need_id", identifier, "your own identifier", required=True, parse_column=parse_identifiers),
                Column("school_urn", urn, "URN of the school that asks", required=True, parse_column=parse_urns),
                Column(
                    "focus",
                    words("focus"),
                    "what the need is about",
                    required=True,
                    reword=reword("focus"),
                ),
                Column(
                    "designations",
                    many(words("designation")),
                    "accepted designations",
                    blank=(),
                    reword=reword("designation", several=True),
                ),
                Column("days", number(0, 10_000, "days", 2, DAYS), "blank: 0", blank=0.0, reword=days, units=DAYS),
                Column("priority", words("priority"), "blank: normal", blank="normal", reword=reword("priority")),
                Column("package", text, "the same word for needs of a school that must be met together"),
                Column("notes", free_text, "notes"),
                Column("requested_on", day, "day on which the school asked", blank=None, reword=one_day),
                Column(
                    "start_by",
                    day,
                    "day on which the supporter must be available, blank: today",
                    blank=None,
                    reword=one_day,
                ),
                Column("state", words("state"), "blank: open", blank=NEED_STATES[0], reword=reword("state")),
            ),
            key=("need_id",),
        ),
        TableFormat(
            "accreditation",
            (
                Column("supporter_id", identifier, "identifier as in supporters", required=True),
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
                Column("supporter_id", identifier, "identifier as in supporters", required=True),
                Column("need_id", identifier, "identifier as in needs, or blank for every need of the school"),
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
                Column("need_id", identifier, "identifier of the need", required=True),
                Column("supporter_id", identifier, "identifier of the supporter", required=True),
            ),
            key=("need_id",),
        ),
    )
    return {one.name: one for one in formats}


def known_columns(form: TableFormat, mapping: Mapping[str, str] | None = None) -> Callable[[Sequence[str]], int]:
    """Return a function that counts the columns of a format in a header, to find the header of a file.

    Parameters
    ----------
    mapping : mapping of str to str, optional
        Names of the file's columns to the format's, where they differ.
    """
    known = {*form.column_names, *(mapping or {})}
    return lambda header: len(known.intersection(header))


def other_table(header: Collection[str], form: TableFormat, vocabulary: Vocabulary) -> str:
    """Return the name of the table that a header belongs to if that is not `form`, and otherwise nothing."""
    for other in table_formats(vocabulary).values():
        required = {column.name for column in other.columns if column.required}
        # Tables share columns: the file is another table only if more of its columns belong there.
        if required <= set(header) and other.known_in(header) > form.known_in(header):
            return other.name
    return ""
