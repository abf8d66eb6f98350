"""What people write for a value: read with a notice, asked with offers, or refused with the reason."""

import datetime

import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st

from matching.tables.cell_values import DayRange
from matching.tables.files import Source, read_sheet
from matching.tables.formats import table_formats
from matching.tables.reference import reference_rows
from matching.tables.table_reader import Table, read_table
from matching.tables.vocabulary import phases_of_years, standard_vocabulary

WORDS = standard_vocabulary()
FORMATS = table_formats(WORDS)
SOUND = {
    "schools": {"urn": "100000", "name": "Alder", "phase": "Primary", "easting": "400000", "northing": "300000"},
    "supporters": {
        "supporter_id": "S1",
        "name": "Ann",
        "designation": "SLE",
        "school_urn": "100000",
        "phases": "Primary",
        "specialisms": "maths",
    },
    "needs": {"need_id": "N1", "school_urn": "100000", "focus": "maths"},
    "accreditation": {"supporter_id": "S1", "criterion": "SLE-1", "met": "yes"},
}
KEYS = {"schools": "urn", "supporters": "supporter_id", "needs": "need_id", "accreditation": "supporter_id"}


def read(name: str, column: str, cells: list[str], header: str = "") -> Table:
    """A table whose rows are sound but for one column, which may stand under another header."""
    rows = [SOUND[name] | {KEYS[name]: f"{100_000 + at}", column: cell} for at, cell in enumerate(cells)]
    names = [header if one == column and header else one for one in rows[0]]
    lines = [names, *(row.values() for row in rows)]
    text = "\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in line) for line in lines)
    source = Source(f"{name}.csv", text.encode())
    return read_table(read_sheet(source), FORMATS[name], WORDS, {header: column} if header else None)


@pytest.mark.parametrize(
    ("name", "column", "cell", "expected"),
    [
        ("needs", "priority", "Medium", "normal"),
        ("needs", "priority", "LOW", "normal"),
        ("needs", "priority", "very urgent", "critical"),
        ("needs", "days", "12 days", 12),
        ("needs", "days", "1 day", 1),
        ("needs", "days", "half a day", 0.5),
        ("needs", "days", "1/2 day", 0.5),
        ("needs", "days", "½ day", 0.5),
        ("needs", "days", "2½ days", 2.5),
        ("needs", "days", "1 and a half days", 1.5),
        ("needs", "days", "2 1/2 days", 2.5),
        ("needs", "days", "2 half days", 1),
        ("needs", "days", "1 half day", 0.5),
        ("needs", "days", "10 half-days", 5),
        ("needs", "days", "3.5d", 3.5),
        ("supporters", "days_available", "12 Days.", 12),
        ("supporters", "max_distance_km", "20 miles", 32.2),
        ("supporters", "max_distance_km", "30km", 30),
        ("supporters", "max_distance_km", "7.5 kilometres", 7.5),
        ("supporters", "max_deployments", "2 schools", 2),
        ("supporters", "designation", "S.L.E.", "SLE"),
        ("supporters", "designation", "Specialist Leader of Education (SLE)", "SLE"),
        ("supporters", "phases", "KS1", ("Primary",)),
        ("supporters", "phases", "KS2/KS3", ("Primary", "Secondary")),
        ("supporters", "phases", "Key Stage 4, ks5", ("16 plus", "Secondary")),
        ("supporters", "phases", "KS1 and 2", ("Primary",)),
        ("supporters", "phases", "Reception to Year 6", ("Primary",)),
        ("supporters", "phases", "R-Y6", ("Primary",)),
        ("supporters", "phases", "YR – Y6", ("Primary",)),
        ("supporters", "phases", "Infant/Junior", ("Primary",)),
        ("supporters", "phases", "Years 7 to 13", ("Secondary",)),
        ("supporters", "phases", "Y12-13", ("16 plus",)),
        ("supporters", "phases", "Primary & Secondary", ("Primary", "Secondary")),
        ("supporters", "phases", "Primary (KS2)", ("Primary",)),
        ("schools", "phase", "Infant/Junior", "Primary"),
        ("schools", "ofsted", "RI", "Requires improvement"),
        ("supporters", "specialisms", "SENCO", ("special educational needs",)),
        ("supporters", "specialisms", "Maths/English", ("English", "maths")),
        ("supporters", "specialisms", "Maths and science; P.E.", ("PE", "maths", "science")),
        ("supporters", "specialisms", "Behaviour & discipline", ("behaviour and discipline",)),
        ("supporters", "specialisms", "Design & Technology", ("design and technology",)),
        ("accreditation", "met", "Y", "yes"),
        ("accreditation", "met", "✓", "yes"),
        ("accreditation", "met", "not yet", "no"),
        ("needs", "state", "Live", "open"),
        ("needs", "start_by", "14.9.26", datetime.date(2026, 9, 14)),
        ("needs", "start_by", "3/4/26", datetime.date(2026, 4, 3)),
        ("needs", "start_by", "14-Sep-26", datetime.date(2026, 9, 14)),
        ("needs", "start_by", "Monday, 14 September 26", datetime.date(2026, 9, 14)),
        (
            "supporters",
            "unavailable",
            "14/9/26-28/9/26",
            (DayRange(datetime.date(2026, 9, 14), datetime.date(2026, 9, 28)),),
        ),
        (
            "supporters",
            "unavailable",
            "14/9/26 to 28/9/26",
            (DayRange(datetime.date(2026, 9, 14), datetime.date(2026, 9, 28)),),
        ),
    ],
)
def test_plain_words_are_read_and_the_notice_says_so(name, column, cell, expected):
    table = read(name, column, [cell])
    assert table.problems == ()
    assert table.frame[column].tolist() == [expected]
    (notice,) = table.notices
    assert notice.startswith(f"{name}.csv, {column}: '")
    assert notice.endswith(" in 1 row.")


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("14/9/2026", "2026-09-14"),
        ("14 Sept 2026", "2026-09-14"),
        ("2026-09-14", "2026-09-14"),
        ("2026/9/14", "2026-09-14"),
        ("Monday 14th of September 2026", "2026-09-14"),
        ("Mon, 14 Sep. 2026", "2026-09-14"),
    ],
)
def test_an_unmistakable_date_is_read(cell, expected):
    table = read("needs", "start_by", [cell])
    assert (table.problems, table.notices) == ((), ())
    assert table.frame["start_by"].tolist() == [datetime.date.fromisoformat(expected)]


@pytest.mark.parametrize(
    ("name", "column", "cell", "offers", "message"),
    [
        ("needs", "priority", "URGENT", ("critical", "high"), "'URGENT' is not a known priority."),
        ("needs", "priority", "1", ("critical", "high", "normal"), "'1' is not a known priority."),
        ("needs", "priority", "3", ("critical", "high", "normal"), "'3' is not a known priority."),
        ("needs", "priority", "hihg", ("high",), "'hihg' is not a known priority."),
        ("needs", "days", "up to 5 days", ("5",), "'up to 5 days' is not a number with at most 2 decimals."),
        ("needs", "days", "three days", ("3",), "'three days' is not a number with at most 2 decimals."),
        ("needs", "days", "2-3 days", ("2", "3"), "'2-3 days' is not a number with at most 2 decimals."),
        ("needs", "days", "2 or 3 days", ("2", "3"), "'2 or 3 days' is not a number with at most 2 decimals."),
        (
            "needs",
            "days",
            "2 days a week",
            (),
            "'2 days a week' is not a number with at most 2 decimals: it is a rate, and the total is needed.",
        ),
        ("needs", "days", "6 hours", (), "'6 hours' is not a number with at most 2 decimals: it is a time."),
        ("supporters", "days_available", "12 days a year", ("12",), "'12 days a year' is not a number"),
        ("supporters", "max_distance_km", "about 20 miles", ("32.2 km",), "'about 20 miles' is not a number"),
        (
            "supporters",
            "max_distance_km",
            "45 mins",
            (),
            "'45 mins' is not a number with at most 3 decimals: it is a t",
        ),
        ("supporters", "max_deployments", "two", ("2",), "'two' is not a whole number."),
        ("schools", "pupils", "1,200", ("1200",), "'1,200' is not a whole number."),
        ("supporters", "phases", "Both", ("Primary;Secondary",), "'Both' is not a known phase."),
        ("supporters", "phases", "Y5-Y8", (), "'Y5-Y8' is not a known phase."),
        ("supporters", "phases", "EYFS", ("Nursery", "Primary"), "'EYFS' is not a known phase."),
        ("schools", "phase", "Middle", ("Middle deemed primary", "Middle deemed secondary"), "'Middle' is not a"),
        ("supporters", "specialisms", "Maths KS2", ("maths",), "'Maths KS2' is not a known specialism."),
        ("supporters", "specialisms", "Leadership", ("leadership of curriculum",), "'Leadership' is not a known spec"),
        ("needs", "focus", "Maths/English", ("English", "maths"), "'Maths/English' is not a known focus."),
        ("needs", "focus", "Early reading", ("phonics", "English"), "'Early reading' is not a known focus."),
        ("needs", "focus", "Numercy", ("maths",), "'Numercy' is not a known focus."),
        ("schools", "ofsted", "2", ("Good",), "'2' is not a known Ofsted grade."),
        ("needs", "start_by", "9/14/2026", ("2026-09-14",), "'9/14/2026' is not a date: the day comes before the mon"),
        ("needs", "start_by", "14 Sept", (), "'14 Sept' is not a date: it lacks the year."),
        ("needs", "start_by", "Sept 2026", ("2026-09-01",), "'Sept 2026' is not a date: it lacks the day."),
        ("needs", "start_by", "13/14/26", (), "'13/14/26' is not a date."),
        (
            "needs",
            "start_by",
            "26-09-14",
            ("2014-09-26", "2026-09-14"),
            "'26-09-14' is not a date: its year has two dig",
        ),
        (
            "needs",
            "start_by",
            "26/09/14",
            ("2014-09-26", "2026-09-14"),
            "'26/09/14' is not a date: its year has two dig",
        ),
        ("accreditation", "checked_on", "14/06/95", ("2095-06-14", "1995-06-14"), "'14/06/95' is not a date: its year"),
        ("needs", "start_by", "Monday, 14 September 95", ("2095-09-14", "1995-09-14"), "'Monday, 14 September 95' is"),
        ("supporters", "max_distance_km", "20-30 miles", ("32.2 km", "48.3 km"), "'20-30 miles' is not a number"),
        ("needs", "days", "1e1", (), "'1e1' is not a number"),
        ("needs", "days", "3 x half days", (), "'3 x half days' is not a number"),
    ],
)
def test_what_is_not_plain_is_asked_or_refused_with_the_reason(name, column, cell, offers, message):
    (problem,) = read(name, column, [cell]).problems
    assert problem.message.startswith(message)
    assert tuple(sorted(problem.offers)) == tuple(sorted(offers))
    assert problem.fix
    assert all(f"'{offer}'" in problem.fix for offer in offers)


def test_the_unit_in_a_header_counts_for_the_numbers_under_it():
    table = read("supporters", "max_distance_km", ["20", "30km", ""], "Willing to travel (miles)")
    assert table.problems == ()
    assert table.frame["max_distance_km"].tolist() == [32.2, 30, float("inf")]
    assert table.notices[1:] == (
        "supporters.csv, max_distance_km: 'Willing to travel (miles)' gives numbers in miles.",
        "supporters.csv, max_distance_km: '20 miles' read as '32.2' in 1 row; '30km' read as '30' in 1 row.",
    )


def test_an_offer_under_a_header_in_miles_means_what_it_says():
    header = "Willing to travel (miles)"
    (problem,) = read("supporters", "max_distance_km", ["about 25 miles"], header).problems
    assert problem.offers == ("40.2 km",)
    assert read("supporters", "max_distance_km", [*problem.offers], header).frame["max_distance_km"].tolist() == [40.2]


def test_a_header_in_kilometres_changes_nothing():
    table = read("supporters", "max_distance_km", ["20"], "Distance (km)")
    assert table.frame["max_distance_km"].tolist() == [20]
    assert len(table.notices) == 1


CELLS = ["Medium", "medium", "MEDIUM ", "low", "high", "normal", "", "Standard"]


@cases(40)
@given(st.permutations(CELLS), st.integers(1, 3))
def test_what_was_read_as_what_does_not_depend_on_the_order_of_rows(cells, repeats):
    table = read("needs", "priority", [*cells] * repeats)
    assert table.problems == ()
    rows = [f"{count * repeats} row{'s' if count * repeats > 1 else ''}" for count in (1, 3, 1)]
    assert table.notices == (
        f"needs.csv, priority: 'low' read as 'normal' in {rows[0]}; 'MEDIUM' read as 'normal' in {rows[1]}; "
        f"'Standard' read as 'normal' in {rows[2]}.",
    )


OF_COLUMN = {
    "designation": ("supporters", "designation"),
    "focus": ("needs", "focus"),
    "phase": ("schools", "phase"),
    "answer": ("accreditation", "met"),
    "state": ("needs", "state"),
    "priority": ("needs", "priority"),
    "grade": ("schools", "ofsted"),
}


@pytest.mark.parametrize("kind", OF_COLUMN)
def test_every_other_word_means_a_known_one_and_every_offer_can_be_entered(kind):
    name, column = OF_COLUMN[kind]
    means = WORDS.synonyms[kind]
    table = read(name, column, list(means))
    assert table.problems == ()
    assert table.frame[column].tolist() == list(means.values())
    doubtful = WORDS.doubtful.get(kind, {})
    assert not doubtful.keys() & means.keys()
    words = {part for offers in doubtful.values() for offer in offers for part in offer.split(";")}
    table = read(name, column, sorted(words))
    assert (table.problems, table.notices) == ((), ())


@pytest.mark.parametrize("kind", OF_COLUMN)
def test_every_doubtful_word_is_asked(kind):
    name, column = OF_COLUMN[kind]
    words = list(WORDS.doubtful.get(kind, {}))
    problems = read(name, column, words).problems
    assert [one.value for one in problems] == words
    assert all(one.offers for one in problems)


@pytest.mark.parametrize("table", ["synonyms", "doubtful_words"])
def test_words_stand_once_and_in_the_form_in_which_they_are_compared(table):
    rows = [(row["kind"], row["found"]) for row in reference_rows(table)]
    assert len({*rows}) == len(rows)
    assert all(found == " ".join(found.casefold().split()) for _, found in rows)


@given(st.text(alphabet="ks key stage year 0123456789-/&to nr", max_size=14))
def test_any_text_is_year_groups_or_none(text):
    assert {*phases_of_years(text)} <= {*WORDS.phases}


@pytest.mark.parametrize("between", [" to ", " - ", " – ", "/"])
@pytest.mark.parametrize("form", ["2026/09/{}", "2026-09-{}", "{}/9/2026"])
def test_a_range_of_days_is_read_in_every_form_of_a_day(form, between):
    cell = between.join(form.format(on) for on in (14, 28))
    expected = (DayRange(datetime.date(2026, 9, 14), datetime.date(2026, 9, 28)),)
    table = read("supporters", "unavailable", [cell])
    # Two slashed days with a slash between them can be split in more than one way.
    if table.problems:
        assert between == "/" and form != "2026-09-{}"
    else:
        assert table.frame["unavailable"].tolist() == [expected]


@pytest.mark.parametrize(
    ("column", "header", "word"),
    [
        ("days_available", "Hours available", "hours"),
        ("days_available", "Half days they can offer", "half"),
        ("days_available", "Days per term", "per term"),
        ("max_distance_km", "Willing to travel (minutes)", "minutes"),
    ],
)
def test_a_header_in_another_unit_is_asked_about(column, header, word):
    problems = read("supporters", column, ["10"], header).problems
    assert f"This column seems to be in '{word}'" in problems[0].message


@pytest.mark.parametrize("header", ["Days per year", "Days this half term", "Days a year"])
def test_a_header_that_names_a_year_or_a_term_in_all_is_in_days(header):
    assert read("supporters", "days_available", ["10"], header).problems == ()
