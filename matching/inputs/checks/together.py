"""What is wrong between the tables of a run: unknown identifiers, scattered packages, idle conflicts."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace

from matching.errors import LEAVE_OUT, Problem, at_most, closest, counted, first_ten, shown, which_of
from matching.inputs.checks.alike import questions
from matching.inputs.checks.decisions import rule_problems, scope_problems
from matching.inputs.checks.successors import Successors
from matching.tables.cell_values import MONTHS
from matching.tables.table_reader import Table
from matching.tables.vocabulary import Vocabulary

# A file with more unknown identifiers is the wrong file, and comparing each of them would be slow.
_MOST_SUGGESTIONS = 50
_MOST_COMPARED = 5_000
_MONTHS = {name[:3].casefold(): str(number) for number, name in enumerate(MONTHS, start=1)}
_NUMBER = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,15})?(?:e\+?[0-9]{1,2})?", re.IGNORECASE)

IDENTIFIERS = {"schools": "urn", "supporters": "supporter_id", "needs": "need_id"}
"""By table: the column that identifies a row for the other tables."""
_LINKS = (
    ("supporters", "school_urn", "schools"),
    ("needs", "school_urn", "schools"),
    ("decisions", "school_urn", "schools"),
    ("accreditation", "supporter_id", "supporters"),
    ("decisions", "supporter_id", "supporters"),
    ("decisions", "need_id", "needs"),
)
"""Table and column of each identifier, and the table that it must be in."""
_DAYS_IN_ORDER = (("supporters", "available_from", "available_until"), ("needs", "requested_on", "start_by"))


@dataclass(frozen=True)
class AbsentSchools:
    """Why a URN may not be in the schools table.

    Attributes
    ----------
    left_out : mapping of str to str
        By URN: why the establishment was left out of the official list, as the end of a sentence.
    successors : mapping of str to tuple of str
        By URN: the schools that took its place.
    unfollowed : mapping of str to tuple of (str, str)
        By URN: the other URN and the type of each of its links that are not followed.
    """

    left_out: Mapping[str, str] = field(default_factory=dict)
    successors: Successors = field(default_factory=dict)
    unfollowed: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)


def check_together(
    tables: Mapping[str, Table], absent: AbsentSchools, vocabulary: Vocabulary
) -> tuple[list[Problem], list[str]]:
    """Return the problems between the tables of a run, and the notices.

    Parameters
    ----------
    tables : mapping of str to Table
        By name; a check is skipped where one of its tables is missing.
    """
    problems, notices = list[Problem](), list[str]()
    known = {name: set(tables[name].frame[key].dropna()) for name, key in IDENTIFIERS.items() if name in tables}
    for name, column, target in _LINKS:
        if name in tables and target in known:
            problems += unknown_identifiers(tables[name], column, tables[target], target, absent)
    if "supporters" in tables:
        problems += _without_specialism(tables["supporters"], vocabulary)
    for name, first, last in _DAYS_IN_ORDER:
        if name in tables:
            problems += at_most(_wrong_way_round(tables[name], first, last))
    if "supporters" in tables and "schools" in tables:
        notices += _idle_conflicts(tables["supporters"], known["schools"])
    notices += questions(tables)
    if "decisions" in tables and "needs" in tables:
        problems += scope_problems(tables["decisions"], tables["needs"], known.get("schools"))
    if "decisions" in tables:
        problems += rule_problems(tables["decisions"])
    if "needs" in tables:
        problems += at_most(_scattered_packages(tables["needs"]))
    if "baseline" in tables and {"needs", "supporters"} <= set(tables):
        notices += _gone_since(tables["baseline"], known["needs"], known["supporters"])
    if "accreditation" in tables and "supporters" in tables:
        notices += _other_designation(tables["accreditation"], tables["supporters"], vocabulary)
    may_go = {tables[name].name for name in ("supporters", "needs", "accreditation") if name in tables}
    return [
        replace(one, severity=LEAVE_OUT) if one.table in may_go and one.row is not None else one for one in problems
    ], notices


def unknown_identifiers(
    table: Table, column: str, target: Table, target_name: str, absent: AbsentSchools | None = None
) -> list[Problem]:
    """Return a problem for each identifier in a column that another table does not have.

    Parameters
    ----------
    target : Table
        The table that must have it, which is schools, supporters or needs.
    """
    known = set(target.frame[IDENTIFIERS[target_name]].dropna()) | target.misfit_cells
    unknown = set(table.frame[column]) - known - {None, ""}
    if not unknown:
        return []
    rows = table.frame.loc[table.frame[column].isin(unknown), ["row", column]].itertuples(index=False)
    if target_name == "schools":
        names = dict(zip(target.frame["urn"], target.frame["name"], strict=True))
        why = absent or AbsentSchools()
        return at_most(_unknown_school(table.name, row, column, urn, names, why) for row, urn in rows)
    suggest = len(unknown) <= _MOST_SUGGESTIONS and len(known) <= _MOST_COMPARED
    reshaped: dict[str, set[str]] = {}
    for one in known:
        reshaped.setdefault(_reshaped(one), set()).add(one)
    return at_most(
        _unknown_identifier(
            table.name, row, column, value, target_name, reshaped.get(_reshaped(value), ()), known if suggest else ()
        )
        for row, value in rows
    )


def _reshaped(identifier: str) -> str:
    """Return what a spreadsheet leaves of an identifier: 1 of 001, 100000 of 1E5, and two numbers of a day for 1-2."""
    if _NUMBER.fullmatch(identifier):
        return f"{float(identifier):.15g}"
    parts = re.findall("[0-9]+|[a-z]+", identifier.casefold())
    if len(parts) == 3 and len(parts[0]) == 4:
        parts = parts[1:]
    elif len(parts) == 3 and len(parts[2]) == 4:
        parts = parts[:2]
    numbers = sorted(str(int(number)) for part in parts if (number := _MONTHS.get(part[:3], part)).isdecimal())
    if len(parts) == len(numbers) == 2:
        return "-".join(numbers)
    return "".join(filter(str.isalnum, identifier.casefold()))


def _unknown_school(
    table: str, row: int, column: str, urn: str, names: Mapping[str, str], absent: AbsentSchools
) -> Problem:
    message = f"School {urn} is not in the schools table."
    if urn in absent.left_out:
        message = f"School {urn} is in the schools file, but {absent.left_out[urn]}."
    successors = absent.successors.get(urn, ())
    fix = "Check the URN, or give the URN of the school that took its place."
    linked = [(one, kind) for one, kind in absent.unfollowed.get(urn, ()) if one in names]
    if linked and not successors:
        listed = first_ten([f"{one} ({names[one]}, type {shown(kind)})" for one, kind in linked])
        fix = f"The links file has a link that is not followed, because its type is not known: {listed}. "
        fix += "If that school took its place, give its URN."
        return Problem(table, row, column, urn, message, fix, offers=tuple(one for one, _ in linked[:10]))
    if successors:
        listed = first_ten([f"{one} ({names[one]})" for one in successors])
        fix = f"Several schools took its place; give the URN of one: {listed}."
    return Problem(table, row, column, urn, message, fix, offers=successors[:10])


def _unknown_identifier(
    table: str, row: int, column: str, value: str, target: str, reshaped: Collection[str], known: Collection[str]
) -> Problem:
    close = next(iter(reshaped)) if len(reshaped) == 1 else closest(value, known)
    fix = which_of([f"'{close}'"]) if close else f"Check it against the {target} table."
    message = f"{shown(value)} is not in the {target} table."
    return Problem(table, row, column, value, message, fix, offers=(close,) if close else (), word=value)


def _without_specialism(table: Table, vocabulary: Vocabulary) -> Iterator[Problem]:
    general = {code for focus in vocabulary.focuses.values() for code in focus.fit_designations}
    frame = table.frame
    bare = frame[(frame["specialisms"] == ()) & frame["designation"].notna() & ~frame["designation"].isin(general)]
    for row, designation in bare[["row", "designation"]].itertuples(index=False):
        message = f"An {designation} needs at least one specialism."
        yield Problem(table.name, row, "specialisms", "", message, "Give their specialisms, separated by ';'.")


def _wrong_way_round(table: Table, first: str, last: str) -> Iterator[Problem]:
    """Yield a problem at each row in which the second of two days is before the first."""
    frame = table.frame[table.frame[first].notna() & table.frame[last].notna()]
    for row, begins, ends in frame[["row", first, last]].itertuples(index=False):
        if ends < begins:
            message = f"{last} is {ends.isoformat()}, which is before {first} ({begins.isoformat()})."
            fix = "Correct one of the two days, or leave one blank."
            yield Problem(table.name, row, last, ends.isoformat(), message, fix)


def _scattered_packages(needs: Table) -> Iterator[Problem]:
    """Yield a problem at each need of a package that is for another school than the package's first need."""
    frame = needs.frame[["row", "package", "school_urn"]]
    packed = frame[(frame["package"].fillna("") != "") & frame["school_urn"].notna()].sort_values("row")
    first = packed.groupby("package")["school_urn"].transform("first")
    for row, package, urn in packed[packed["school_urn"] != first].itertuples(index=False):
        message = f"Package {shown(package)} belongs to one school, and this need is for another one ({urn})."
        yield Problem(needs.name, row, "package", package, message, "Give each school's package a name of its own.")


def _other_designation(accreditation: Table, supporters: Table, vocabulary: Vocabulary) -> list[str]:
    designation_of = dict(zip(supporters.frame["supporter_id"], supporters.frame["designation"], strict=True))
    columns = ["row", "supporter_id", "criterion"]
    rows = [
        str(row)
        for row, supporter_id, criterion in accreditation.frame[columns].itertuples(index=False)
        if criterion and designation_of.get(supporter_id) not in (None, vocabulary.criteria[criterion].designation)
    ]
    if not rows:
        return []
    return [
        f"{accreditation.name}: evidence for a designation that the supporter does not hold is not used "
        f"({counted(len(rows), 'row')}: {first_ten(rows)})."
    ]


def _idle_conflicts(supporters: Table, schools: set[str]) -> list[str]:
    """Return the notice of conflicts with unknown schools: harmless, unless a digit is wrong."""
    declared = {urn for urns in supporters.frame["conflicts"] for urn in urns or ()}
    unknown = sorted(declared - schools)
    if not unknown:
        return []
    return [
        f"{supporters.name}: conflicts with schools that are not in the schools table have no effect "
        f"({counted(len(unknown), 'URN')}: {first_ten(unknown)})."
    ]


def _gone_since(baseline: Table, needs: set[str], supporters: set[str]) -> list[str]:
    frame = baseline.frame
    gone = frame[~(frame["need_id"].isin(needs) & frame["supporter_id"].isin(supporters))]
    if gone.empty:
        return []
    return [f"The earlier plan has {counted(len(gone), 'deployment')} whose need or supporter is not in the tables."]
