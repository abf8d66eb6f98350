"""Headers that people use: each means one column, none is dropped in silence, and a file to keep can be had."""

import tomllib
from itertools import groupby

import pytest
from depth import cases
from hypothesis import assume, given
from hypothesis import strategies as st
from tiny import NEEDS, SCHOOLS, SUPPORTERS
from typer.testing import CliRunner

from matching.cli import app
from matching.errors import DataError
from matching.inputs.headers import TableOptions, header_key, read_options, suggest_columns
from matching.inputs.read import read_inputs
from matching.inputs.recognise import TableReading, suggested_columns, table_readings, unread_columns
from matching.tables.files import Source
from matching.tables.formats import table_formats
from matching.tables.reference import reference_rows
from matching.tables.vocabulary import standard_vocabulary

FORMATS = table_formats(standard_vocabulary())
ROWS = sorted(reference_rows("header_words"), key=lambda row: row["table"])
BY_TABLE = {
    table: [(row["found"], row["column"]) for row in rows]
    for table, rows in groupby(ROWS, key=lambda row: row["table"])
}


def sources(**tables: str) -> dict[str, Source]:
    texts = {"schools": SCHOOLS, "supporters": SUPPORTERS, "needs": NEEDS, **tables}
    return {name: Source(f"{name}.csv", text.encode()) for name, text in texts.items()}


@pytest.mark.parametrize("table", BY_TABLE)
def test_every_header_means_one_column_of_its_table(table):
    names = FORMATS[table].column_names
    meant = {}
    for found, column in [*((name, name) for name in names), *BY_TABLE[table]]:
        assert column in names
        assert meant.setdefault(header_key(found), column) == column


def test_there_are_headers_of_every_table_that_people_write():
    assert len(ROWS) >= 400
    assert BY_TABLE.keys() == {"schools", "supporters", "needs", "accreditation", "decisions"}


@pytest.mark.parametrize(
    ("table", "header", "column"),
    [
        ("supporters", "Days they can offer", "days_available"),
        ("supporters", "Won’t travel more than", "max_distance_km"),
        ("supporters", "Willing to travel (miles)", "max_distance_km"),
        ("supporters", "Based at", "school_urn"),
        ("supporters", "Specialist areas", "specialisms"),
        ("supporters", "Name of supporter", "name"),
        ("needs", "How urgent?", "priority"),
        ("needs", "URN of the school", "school_urn"),
        ("needs", "What support is needed?", "focus"),
        ("schools", "Number on roll", "pupils"),
        ("schools", "% FSM", "fsm_percent"),
    ],
)
def test_a_header_of_a_teaching_school_is_known(table, header, column):
    assert [(one.column, one.score >= 0.8) for one in suggest_columns(table, [header])] == [(column, True)]


@cases(60)
@given(st.data())
def test_any_headers_of_one_table_are_found_in_any_order(data):
    table = data.draw(st.sampled_from(sorted(BY_TABLE)))
    of_column = {column: [found for found, one in BY_TABLE[table] if one == column] for _, column in BY_TABLE[table]}
    columns = data.draw(st.permutations(sorted(of_column)))
    header = [data.draw(st.sampled_from(of_column[column])).title() for column in columns]
    assert [(one.header, one.column) for one in suggest_columns(table, header)] == list(
        zip(header, columns, strict=True)
    )


@pytest.mark.parametrize(
    ("table", "header", "columns"),
    [
        ("supporters", "Available", {"unavailable", "available_from", "available_until"}),
        ("supporters", "Availble", {"unavailable", "available_from", "available_until"}),
        ("supporters", "Starting dates available", {"unavailable", "available_until"}),
        ("supporters", "Minimum distance", {"max_distance_km"}),
        ("accreditation", "Not evidenced", {"met"}),
    ],
)
def test_a_header_that_may_mean_the_opposite_is_not_suggested(table, header, columns):
    assert columns.isdisjoint(one.column for one in suggest_columns(table, [header]))


OPPOSITE = {"from": "until", "until": "from", "start": "end", "end": "start", "max": "min", "maximum": "minimum"}


@cases(60)
@given(st.data())
def test_no_header_is_taken_for_its_opposite(data):
    table = data.draw(st.sampled_from(sorted(BY_TABLE)))
    found, column = data.draw(st.sampled_from(BY_TABLE[table]))
    words = found.split()
    turned = [" ".join(OPPOSITE.get(word, word) for word in words)] if OPPOSITE.keys() & {*words} else []
    turned += [f"not {found}"] if not {*words} & {"not", "cannot", "won't", "unavailable"} else []
    turned += [" ".join(word for word in words if word != "not")] if "not" in words else []
    assume(turned)
    header = data.draw(st.sampled_from(turned))
    place = data.draw(st.integers(0, len(header) - 1))
    # A letter too few in a long word.
    if len(header[:place].split(" ")[-1]) > 3:
        header = header[:place] + header[place + 1 :]
    assert [one.score for one in suggest_columns(table, [header]) if one.column == column] in ([], [1])


def test_our_own_name_for_a_column_comes_before_other_words_for_it():
    assert [one.header for one in suggest_columns("needs", ["School", "School URN"])] == ["School URN"]


def asking(given) -> tuple[TableReading, ...]:
    return tuple(one for one in table_readings(given) if one.asks)


OFFERED = SUPPORTERS.replace("max_deployments", "How many schools?", 1)


def test_a_header_that_means_an_optional_column_is_a_problem_until_it_is_named():
    assert "How many schools?" in OFFERED
    given = sources(supporters=OFFERED)
    (found,) = asking(given)
    assert found.missing == ()
    assert [(one.header, one.suggested) for one in found.columns if one.meant] == [
        ("How many schools?", "max_deployments")
    ]
    (problem,) = unread_columns(given)
    assert str(problem) == (
        "supporters.csv, column How many schools?: This column may be 'max_deployments', and is not read under its name. "
        'Name it in a columns file: "How many schools?" = "max_deployments", or = "" if it is not used.'
    )


@pytest.mark.parametrize("column", ["max_deployments", ""])
def test_it_is_asked_once_whatever_the_answer(column):
    columns = f'[supporters]\n"How many schools?" = "{column}"\n'
    given = sources(supporters=OFFERED, columns=columns)
    assert (unread_columns(given), asking(given)) == ((), ())
    inputs, usual = read_inputs(given), read_inputs(sources())
    if column:
        assert inputs.supporters.equals(usual.supporters)
    else:
        assert set(inputs.supporters["max_deployments"]) == {1}
        assert "supporters.csv: columns that are not used, as you chose: 'How many schools?'." in inputs.notices


def test_a_column_of_the_users_own_is_not_asked_about():
    header, *rows = NEEDS.splitlines()
    mine = "\n".join([f"{header},Budget code", *(f"{row},7" for row in rows)])
    assert unread_columns(sources(needs=mine)) == asking(sources(needs=mine)) == ()


def test_a_missing_column_names_the_header_that_may_mean_it():
    with pytest.raises(DataError) as caught:
        read_inputs(sources(needs=NEEDS.replace("focus", "What support is needed?", 1)))
    assert [str(one) for one in caught.value.problems] == [
        "needs.csv row 1, focus: The column 'focus' is missing. Is it the column 'What support is needed?'? Then rename "
        "that to 'focus', or name it in a columns file."
    ]


def test_the_suggested_columns_can_be_given_as_they_are():
    theirs = sources(
        supporters=OFFERED.replace("supporter_id,name", "Ref,Full name", 1),
        needs=NEEDS.replace("focus", "What support is needed?", 1),
    )
    assert theirs["needs"] != sources()["needs"]
    written = suggested_columns(theirs)
    assert suggested_columns(dict(reversed(theirs.items()))) == written
    inputs = read_inputs(theirs | {"columns": written})
    usual = read_inputs(sources())
    assert inputs.supporters.equals(usual.supporters)
    assert inputs.needs.equals(usual.needs)
    assert suggested_columns(theirs | {"columns": written}).content.count(b" = ") == written.content.count(b" = ")


def test_a_header_that_is_only_similar_is_suggested_in_a_comment():
    theirs = sources(needs=NEEDS.replace("focus", "Type of suport", 1).replace("priority", "Prioritty", 1))
    written = suggested_columns(theirs).content.decode()
    assert '# Perhaps, under [needs]: "Prioritty" = "priority"\n' in written
    assert "# Still missing in [needs]: the header of focus.\n" in written
    assert tomllib.loads(written) == {}


def test_what_is_still_missing_stands_in_the_suggested_columns():
    written = suggested_columns(sources(needs=NEEDS.replace("focus", "Zzz", 1))).content.decode()
    assert "# Still missing in [needs]: the header of focus.\n" in written
    assert tomllib.loads(written) == {"needs": {"Zzz": ""}}
    assert read_options(Source("columns.toml", written.encode())).of("needs") == TableOptions(not_used=("Zzz",))


def test_the_command_stops_writes_suggestions_on_request_and_takes_them(tmp_path):
    paths = []
    for name, one in sources(supporters=OFFERED).items():
        (tmp_path / one.name).write_bytes(one.content)
        paths += [f"--{name}", str(tmp_path / one.name)]
    columns = tmp_path / "columns.toml"
    run = CliRunner().invoke
    with pytest.raises(DataError, match="may be 'max_deployments'"):
        run(app, ["check", *paths], catch_exceptions=False)
    written = run(app, ["check", *paths, "--suggest-columns", str(columns)])
    assert written.exit_code == 0
    assert "give the file as --columns" in written.output
    assert '"How many schools?" = "max_deployments"\n' in columns.read_text(encoding="utf-8")
    assert run(app, ["check", *paths, "--columns", str(columns)]).exit_code == 0
