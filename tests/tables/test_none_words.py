"""Words for no value: blanks where a cell may be blank, counted in a notice, and problems where it may not."""

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from tiny import AS_AT, faults, read, sources, xlsx
from worlds import need, person, school, world

from matching.inputs.read import read_inputs
from matching.tables.cell_values import NONE_WORDS
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.vocabulary import standard_vocabulary

FORMATS = table_formats(standard_vocabulary())
ROUND = {
    "schools": "urn,name,phase,easting,northing\n100000,Alder,Primary,400000,300000\n100001,Birch,Primary,401000,300000\n",
    "supporters": "supporter_id,name,designation,school_urn,phases,specialisms\nS1,Ann,LLE,100001,Primary,maths\n",
    "needs": "need_id,school_urn,focus\nN1,100000,headship\n",
    "accreditation": "supporter_id,criterion,met\nS1,LLE-1,yes\n",
    "decisions": "kind,supporter_id,need_id\nforbid,S1,N1\n",
}
OPTIONAL = [
    (name, column.name)
    for name in ROUND
    for column in FORMATS[name].columns
    if not column.required and column.name not in ("easting", "northing", "latitude", "longitude")
]
# Blank means no limit, the policy's or one place there, and these may mean 0.
LIMITS = ("max_deployments", "days_available", "max_distance_km")
MAY_BE_NAUGHT = ["none", "nil", "-", "--", "–"]
words = st.sampled_from(sorted(NONE_WORDS)).flatmap(lambda word: st.sampled_from([word, word.upper(), word.title()]))


def with_cell(table: str, column: str, cell: str) -> Source:
    """A table of the round with one cell put in, as CSV."""
    header, first, *others = ROUND[table].splitlines()
    names, cells = header.split(","), first.split(",")
    if column in names:
        cells[names.index(column)] = cell
    else:
        names.append(column)
        cells.append(cell)
        others = [f"{row}," for row in others]
    return Source(f"{table}.csv", "\n".join([",".join(names), ",".join(cells), *others, ""]).encode())


def read_with(table: str, column: str, cell: str, workbook: bool = False):
    given = {name: Source(f"{name}.csv", text.encode()) for name, text in ROUND.items()}
    changed = with_cell(table, column, cell)
    if workbook:
        changed = Source(f"{table}.xlsx", xlsx(changed.content.decode()))
    return read_inputs(given | {table: changed}, as_at=AS_AT)


@given(st.sampled_from(OPTIONAL), words, st.booleans())
@cases(60)
def test_a_word_for_no_value_is_a_blank_in_an_optional_cell(place, word, workbook):
    table, column = place
    if (column in LIMITS and word.lower() in MAY_BE_NAUGHT) or column == "need_id":
        return
    if column == "school_urn" or (column in FORMATS[table].key):
        return
    found, blank = read_with(table, column, word, workbook), read_with(table, column, "", workbook)
    name = f"{table}.{'xlsx' if workbook else 'csv'}"
    notice = f"{name}: cells that hold a word for no value are read as blank: {column} (1: '{word}')."
    assert notice in found.notices
    assert found.schools.equals(blank.schools)
    assert found.supporters.equals(blank.supporters)
    assert found.needs.equals(blank.needs)


@pytest.mark.parametrize("column", LIMITS)
@pytest.mark.parametrize("word", MAY_BE_NAUGHT)
def test_a_limit_that_may_be_none_or_naught_is_asked_about(column, word):
    given = sources() | {"supporters": with_cell("supporters", column, word)}
    assert faults(**given)[0].startswith(f"supporters.csv row 2, {column}: '{word}' is not a")
    given["supporters"] = with_cell("supporters", column, "N/A")
    assert any(f"{column} (1: 'N/A')" in notice for notice in read(**given).notices)


@given(
    st.sampled_from([("schools", "name"), ("supporters", "name"), ("supporters", "phases"), ("needs", "focus")]), words
)
@cases(30)
def test_a_word_for_no_value_is_a_problem_in_a_required_cell(place, word):
    table, column = place
    if column == "name" and word.lower() in ("na", "nan", "null"):
        assert word in getattr(read_with(table, column, word), table)["name"].tolist()
        return
    given = sources() | {name: Source(f"{name}.csv", text.encode()) for name, text in ROUND.items()}
    (fault, *_) = faults(**(given | {table: with_cell(table, column, word)}))
    said = "is an error of the spreadsheet. " if word == "#N/A" else "means no value. Fill it in: "
    assert fault.startswith(f"{table}.csv row 2, {column}: '{word}' {said}")


@pytest.mark.parametrize("column", ["trust", "federation", "trust_code", "postcode", "local_authority", "ofsted"])
def test_the_0_of_a_look_up_is_a_blank(column):
    found = read_with("schools", column, "0")
    assert found.schools[column].tolist() == ["", ""]
    assert any(f"{column} (1: '0')" in notice for notice in found.notices)


def test_0_is_a_number_and_an_identifier_where_it_can_be_one():
    assert read_with("supporters", "days_available", "0").supporters["days_available"].tolist() == [0]
    assert read_with("needs", "package", "0").needs["package"].tolist() == ["0"]
    assert read_with("schools", "pupils", "0").schools["pupils"].tolist()[0] == 0


def test_a_trust_that_everyone_lacks_bars_no_one():
    schools = [school(k, 4 * k, trust=word) for k, word in enumerate(["N/A", "n/a", "-", "None"])]
    plan = world(schools, [person("S1", 1)], [need("N1", 0)]).plan()
    assert plan.deployments["supporter_id"].tolist() == ["S1"]
    notice = "schools.csv: cells that hold a word for no value are read as blank: trust (4: '-', 'N/A', 'None', 'n/a')."
    assert notice in plan.manifest["notices"]
