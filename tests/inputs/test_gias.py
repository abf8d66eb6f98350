import csv
import gzip
import io
import zipfile
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook
from pandas.testing import assert_frame_equal

from matching.errors import DataError
from matching.inputs.official.exclusions import REASONS, left_out_counts
from matching.inputs.official.gias import (
    GIAS_COLUMNS,
    REQUIRED_COLUMNS,
    OfficialSchools,
    establishment_types,
    gias_columns,
    is_gias,
    read_gias,
    read_official,
)
from matching.tables.contacts import CONTACTS
from matching.tables.files import Source, header_of, open_source, read_sheet
from matching.tables.formats import INSPECTION_COLUMNS, table_formats
from matching.tables.table_reader import read_table
from matching.tables.vocabulary import standard_vocabulary

VOCABULARY = standard_vocabulary()
SHARED = Path(__file__).parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the official files are not in ../shared/data")

SCHOOL = {
    "URN": "100000",
    "LA (name)": "Camden",
    "EstablishmentName": "Larkfield School",
    "TypeOfEstablishment (code)": "01",
    "TypeOfEstablishment (name)": "Community school",
    "EstablishmentStatus (name)": "Open",
    "CloseDate": "",
    "PhaseOfEducation (name)": "Primary",
    "NumberOfPupils": "271",
    "PercentageFSM": "21.5",
    "Trusts (name)": "LARKFIELD TRUST",
    "Trusts (code)": "2044",
    "Federations (name)": "",
    "Postcode": "AB1 2CD",
    "TelephoneNum": "0123456789",
    "HeadFirstName": "Philippa",
    "HeadLastName": "Quillfeather",
    "GOR (name)": "London",
    "Easting": "533498",
    "Northing": "181201",
    "OfstedRating (name)": "Good",
}


def gias(*changes: dict[str, str], columns: tuple[str, ...] = tuple(SCHOOL), encoding: str = "cp1252") -> Source:
    """A GIAS extract with a row for each dictionary of cells that differ from SCHOOL's."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(SCHOOL | change for change in changes)
    return Source("gias.csv", text.getvalue().encode(encoding))


def read(*changes: dict[str, str], columns: tuple[str, ...] = tuple(SCHOOL)) -> OfficialSchools:
    return read_gias(gias(*changes, columns=columns), VOCABULARY)


def only_school(change: dict[str, str]) -> pd.Series:
    (_, school), *others = read(change).table.frame.iterrows()
    assert not others
    return school


def without(*names: str) -> tuple[str, ...]:
    return tuple(name for name in SCHOOL if name not in names)


# Recognising an extract


def test_an_extract_is_recognised_in_any_order_of_columns_and_with_columns_added():
    assert is_gias(tuple(SCHOOL))
    assert is_gias((*reversed(tuple(SCHOOL)), "A new column"))


def test_an_extract_that_lacks_two_required_columns_is_still_recognised():
    assert is_gias(without("Easting", "Northing"))


@pytest.mark.parametrize("file", ["gias_2024-02.txt", "gias_2026.txt"])
@needs_shared
def test_the_official_headers_are_recognised(file):
    assert is_gias((SHARED / "headers" / file).read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("file", ["ofsted_mi_2025-03-31.txt", "ofsted_mi_2026_D2_most_recent.txt"])
@needs_shared
def test_headers_of_ofsted_are_not_taken_for_an_extract(file):
    assert not is_gias((SHARED / "headers" / file).read_text(encoding="utf-8").splitlines())


def test_other_tables_are_not_taken_for_an_extract():
    assert not is_gias(table_formats(VOCABULARY)["schools"].column_names)
    assert not is_gias(("URN", "LinkURN", "LinkName", "LinkType", "LinkEstablishedDate"))
    assert not is_gias(())


# The schools table


def test_the_table_is_the_one_that_read_table_gives():
    ours = (
        "urn,name,phase,easting,northing,local_authority,region,trust,trust_code,postcode,ofsted,pupils,fsm_percent,ofsted_found\n"
        "100000,Larkfield School,Primary,533498,181201,Camden,London,LARKFIELD TRUST,2044,AB1 2CD,Good,271,21.5,GIAS\n"
        "100001,Larkfield School,Primary,533498,181201,Camden,London,,2044,AB1 2CD,,,,\n"
    )
    blanks = {
        "URN": "100001",
        "Trusts (name)": "",
        "OfstedRating (name)": "",
        "NumberOfPupils": "",
        "PercentageFSM": "",
    }
    official = read({}, blanks)
    expected = read_table(
        read_sheet(Source("schools.csv", ours.encode())), table_formats(VOCABULARY)["schools"], VOCABULARY
    )
    # No contact is ever taken from an official file.
    without = expected.frame.drop(columns=list(CONTACTS["schools"]))
    assert_frame_equal(official.table.frame, without)
    assert official.table.frame.map(type).equals(without.map(type))
    assert (official.table.name, official.table.problems, official.table.notices) == ("gias.csv", (), ())


def test_a_school_that_is_proposed_to_close_is_open():
    assert only_school({"EstablishmentStatus (name)": "Open, but proposed to close"})["urn"] == "100000"


@pytest.mark.parametrize(
    ("code", "phase"),
    [
        ("06", "Secondary"),
        ("07", "Special"),
        ("08", "Special"),
        ("10", "Special"),
        ("12", "Special"),
        ("14", "Alternative provision"),
        ("15", "Nursery"),
        ("31", "16 plus"),
        ("33", "Special"),
        ("36", "Special"),
        ("38", "Alternative provision"),
        ("42", "Alternative provision"),
        ("43", "Alternative provision"),
        ("44", "Special"),
    ],
)
def test_the_phase_follows_from_the_type_where_gias_gives_none(code, phase):
    change = {"TypeOfEstablishment (code)": code, "PhaseOfEducation (name)": "Not applicable"}
    assert only_school(change)["phase"] == phase


@pytest.mark.parametrize("stated", ["All-through", "All through", "ALL-THROUGH"])
def test_the_phase_is_spelt_as_in_the_vocabulary(stated):
    assert only_school({"PhaseOfEducation (name)": stated})["phase"] == "All-through"


def test_an_independent_school_is_kept_where_gias_gives_its_phase():
    assert only_school({"TypeOfEstablishment (code)": "11"})["phase"] == "Primary"


def test_a_type_that_a_spreadsheet_made_a_number_is_known():
    assert only_school({"TypeOfEstablishment (code)": "7"})["phase"] == "Special"


@pytest.mark.parametrize("word", ["", "NULL", "Not applicable", "Not judged", "SUPP", "z", "c"])
def test_words_that_stand_for_a_blank_are_blank_without_a_notice(word):
    optional = ("GOR (name)", "Trusts (name)", "Postcode", "LA (name)", "OfstedRating (name)")
    numbers = ("NumberOfPupils", "PercentageFSM")
    official = read(dict.fromkeys((*optional, *numbers), word))
    school = official.table.frame.iloc[0]
    assert list(school[["region", "trust", "postcode", "local_authority", "ofsted"]]) == [""] * 5
    assert np.isnan(school["pupils"])
    assert np.isnan(school["fsm_percent"])
    assert len(official.notices) == 1


@pytest.mark.parametrize(
    ("column", "cell", "name"),
    [
        ("OfstedRating (name)", "Marvellous", "ofsted"),
        ("NumberOfPupils", "many", "pupils"),
        ("NumberOfPupils", "-3", "pupils"),
        ("PercentageFSM", "140", "fsm_percent"),
    ],
)
def test_a_strange_cell_in_an_optional_column_is_left_blank_and_counted(column, cell, name):
    official = read({column: cell}, {"URN": "100001", column: cell}, {"URN": "100002"})
    values = official.table.frame[name]
    assert (values.isna() | (values == "")).tolist() == [True, True, False]
    assert official.notices[1:] == (
        f"gias.csv: 2 cells in the column {column} could not be read, such as '{cell}' for URN 100000; "
        f"{name} is left blank there.",
    )


def test_one_strange_cell_is_one_cell():
    assert "1 cell in the column NumberOfPupils" in read({"NumberOfPupils": "many"}).notices[1]


def test_characters_that_do_not_print_become_spaces():
    assert only_school({"EstablishmentName": "Lark\u00a0field\nSchool"})["name"] == "Lark field School"


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8", "utf-8-sig"])
def test_the_extract_may_be_in_cp1252_or_utf_8(encoding):
    source = gias({"EstablishmentName": "St Zoë’s – École"}, encoding=encoding)
    assert read_gias(source, VOCABULARY).table.frame["name"].tolist() == ["St Zoë’s – École"]


def test_the_extract_may_be_saved_again_as_excel():
    book, file = Workbook(), io.BytesIO()
    closed = {"URN": "100001", "EstablishmentStatus (name)": "Closed", "CloseDate": date(2021, 8, 31)}
    numbers = {"TypeOfEstablishment (code)": 1, "Easting": 533498.0, "Northing": 181201, "NumberOfPupils": 271}
    for row in (tuple(SCHOOL), (SCHOOL | numbers | {"URN": 100000}).values(), (SCHOOL | closed).values()):
        book.active.append(list(row))
    book.save(file)
    official = read_gias(Source("gias.xlsx", file.getvalue()), VOCABULARY)
    assert_frame_equal(official.table.frame, read({}).table.frame)
    assert official.left_out["reason"].tolist() == ["closed on 31/08/2021"]


def test_an_extract_without_grades_leaves_them_blank_and_says_so():
    official = read({}, columns=without("OfstedRating (name)"))
    assert official.table.frame["ofsted"].tolist() == [""]
    assert official.notices[1:] == (
        "gias.csv: Ofsted grades are not in this extract (no column OfstedRating (name)); ofsted is left blank.",
    )


def test_other_optional_columns_that_are_missing_are_named():
    official = read({}, columns=without("NumberOfPupils"))
    assert np.isnan(official.table.frame["pupils"].iloc[0])
    assert official.notices[1:] == (
        "gias.csv: there is no column NumberOfPupils in this extract; pupils is left blank.",
    )


def test_heads_names_and_telephone_numbers_are_nowhere_in_the_result():
    official = read({}, {"URN": "100001", "EstablishmentStatus (name)": "Closed"})
    result = official.table.frame.to_csv() + official.left_out.to_csv() + "".join(official.notices)
    assert not any(SCHOOL[name] in result for name in ("HeadFirstName", "HeadLastName", "TelephoneNum"))
    assert not any("Head" in column or "Telephone" in column for column in GIAS_COLUMNS.values())


# Who is left out


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        (
            {"EstablishmentStatus (name)": "Closed", "CloseDate": "31-08-2021"},
            "closed",
            "closed on 31/08/2021",
        ),
        (
            {"EstablishmentStatus (name)": "Closed", "CloseDate": "2021-08-31"},
            "closed",
            "closed on 31/08/2021",
        ),
        (
            {"EstablishmentStatus (name)": "Closed", "CloseDate": ""},
            "closed",
            "closed on a day that GIAS does not give",
        ),
        (
            {"EstablishmentStatus (name)": "Proposed to open"},
            "proposed",
            "is proposed and not yet open",
        ),
        (
            {"EstablishmentStatus (name)": "Quarantine"},
            "other_status",
            "has the status 'Quarantine' in GIAS",
        ),
        (
            {"TypeOfEstablishment (code)": "30"},
            "not_in_england",
            "is not in England (Welsh establishment)",
        ),
        (
            {"GOR (name)": "Wales (pseudo)"},
            "not_in_england",
            "is in Wales according to its region in GIAS",
        ),
        (
            {"TypeOfEstablishment (code)": "18", "PhaseOfEducation (name)": "16 plus"},
            "not_a_school",
            "is not a school (further education or college)",
        ),
        (
            {"TypeOfEstablishment (code)": "32"},
            "not_a_school",
            "is not a school (further education or college)",
        ),
        (
            {"TypeOfEstablishment (code)": "99"},
            "unknown_type",
            "is of type '99', which this version does not know",
        ),
        (
            {"TypeOfEstablishment (code)": "11", "PhaseOfEducation (name)": "Not applicable"},
            "no_phase",
            "has no phase of education in GIAS ('Not applicable')",
        ),
        (
            {"Easting": "", "Northing": ""},
            "no_place",
            "has no easting and northing in GIAS",
        ),
        (
            {"Easting": "0", "Northing": "0"},
            "no_place",
            "has easting '0' and northing '0' in GIAS, which is not in England",
        ),
        (
            {"Northing": "811856"},
            "no_place",
            "has easting '533498' and northing '811856' in GIAS, which is not in England",
        ),
        (
            {"Easting": "51.5 N"},
            "no_place",
            "has easting '51.5 N' and northing '181201' in GIAS, which is not in England",
        ),
    ],
)
def test_an_establishment_is_left_out_with_its_reason(change, code, reason):
    official = read({}, {"URN": "100001", **change})
    assert official.table.frame["urn"].tolist() == ["100000"]
    assert official.left_out.to_dict("records") == [
        {"urn": "100001", "name": "Larkfield School", "reason_code": code, "reason": reason}
    ]


def test_the_first_reason_that_holds_is_given():
    official = read({"EstablishmentStatus (name)": "Closed", "TypeOfEstablishment (code)": "30", "Easting": ""})
    assert official.left_out["reason_code"].tolist() == ["closed"]
    assert official.table.frame.empty


def test_the_reasons_are_counted_in_their_order():
    closed = {"EstablishmentStatus (name)": "Closed"}
    official = read({}, {"URN": "100001", "Easting": ""}, {"URN": "100002"} | closed, {"URN": "100003"} | closed)
    assert left_out_counts(official.left_out).to_dict("records") == [
        {"reason_code": "closed", "reason": REASONS["closed"], "count": 2},
        {"reason_code": "no_place", "reason": REASONS["no_place"], "count": 1},
    ]
    assert official.notices == (
        "gias.csv: 1 of 4 establishments are open schools in England with a phase and a location; "
        "left out: 2 closed; 1 without a location in England in GIAS.",
    )


def test_where_none_is_left_out_there_is_nothing_to_count():
    official = read({})
    assert left_out_counts(official.left_out).empty
    assert official.notices[0].endswith("left out: none.")


@cases(20)
@given(st.permutations(range(6)))
def test_any_order_of_rows_gives_the_same_table(order):
    rows = [
        {"URN": f"10000{place}", "EstablishmentStatus (name)": "Closed" if place % 3 == 0 else "Open"}
        | ({"NumberOfPupils": f"odd {place}"} if place % 2 else {})
        for place in range(6)
    ]
    one, other = read(*rows), read(*(rows[place] for place in order))
    assert_frame_equal(one.table.frame.drop(columns="row"), other.table.frame.drop(columns="row"))
    assert_frame_equal(one.left_out, other.left_out)
    assert one.notices == other.notices


def test_the_row_is_the_one_in_the_file():
    assert read({"URN": "100001"}, {"URN": "100000"}).table.frame["row"].tolist() == [3, 2]


# What cannot be used


def faults(source: Source) -> list[str]:
    with pytest.raises(DataError) as caught:
        read_gias(source, VOCABULARY)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize("column", REQUIRED_COLUMNS.values())
def test_a_missing_required_column_is_a_problem(column):
    assert faults(gias({}, columns=without(column))) == [
        f"gias.csv row 1, {column}: The column is missing from this GIAS extract. "
        "Download 'Establishment fields CSV' from Get Information about Schools again and keep its columns."
    ]


def test_an_extract_without_rows_is_a_problem():
    (fault,) = faults(gias())
    assert fault.startswith("gias.csv: There is no row under the header. Download ")


def test_a_malformed_urn_is_a_problem():
    assert faults(gias({"URN": "100000.0"}, {"URN": ""})) == [
        "gias.csv row 2, URN: '100000.0' is not a URN. Did you mean '100000'?",
        "gias.csv row 3, URN: '' is not a URN. A URN has six digits, such as 100000.",
    ]


def test_a_urn_that_stands_twice_is_a_problem():
    assert faults(gias({}, {"URN": "100001"}, {}, {})) == [
        "gias.csv row 4, URN: '100000' is already in row 2. Keep one of the two rows.",
        "gias.csv row 5, URN: '100000' is already in row 2. Keep one of the two rows.",
    ]


def test_a_blank_name_is_a_problem():
    assert faults(gias({"EstablishmentName": ""})) == [
        "gias.csv row 2, EstablishmentName: The cell is blank. Give the name of the establishment, or remove the row."
    ]


def test_rows_that_do_not_fit_are_reported_with_every_other_fault():
    source = gias({"URN": "1"})
    torn, malformed = faults(Source(source.name, source.content + b'"100001","torn"\r\n'))[::-1]
    assert malformed.startswith("gias.csv row 2, URN: '1' is not a URN.")
    assert torn.startswith("gias.csv row 3: The row has 2 cells and the header 21.")


def test_where_no_row_fits_the_rows_are_the_problem():
    (fault,) = faults(Source("gias.csv", gias().content + b'"100001","torn"\r\n'))
    assert fault.startswith("gias.csv row 2: The row has 2 cells")


# The reference table and the official file


def test_every_type_is_a_school_of_a_known_phase_or_says_what_it_is():
    types = establishment_types()
    assert types.index.is_unique
    assert types.index.str.fullmatch("[0-9]{2}").all()
    assert (types["type"] != "").all()
    assert (types["kind"] != "").all()
    assert set(types["phase"]) <= {"", *VOCABULARY.phases}
    assert (types.loc[~types["kind"].isin(["state", "independent"]), "phase"] == "").all()


@needs_shared
def test_the_whole_official_extract_adds_up():
    official = read_gias(open_source(SHARED / "gias_2024_format.csv.gz"), VOCABULARY)
    schools, left_out = official.table.frame, official.left_out
    assert len(schools) + len(left_out) == 50_515
    assert not pd.concat([schools["urn"], left_out["urn"]]).duplicated().any()
    assert Counter(left_out["reason_code"]) == {
        "closed": 23_359,
        "proposed": 81,
        "not_in_england": 1_976,
        "not_a_school": 581,
        "no_phase": 1_707,
        "no_place": 116,
        "wrong_place": 26,
    }
    assert left_out_counts(left_out)["count"].sum() == len(left_out)
    assert schools["phase"].value_counts()[["Primary", "Secondary", "Special"]].tolist() == [16_746, 3_155, 1_730]
    assert len(official.notices) == 1


# Every year's shape


def of_ofsted(*rows: str) -> Source:
    header = "URN,Overall effectiveness,Inspection start date,Category of concern,Quality of education\n"
    return Source("ofsted.csv", (header + "".join(f"{row}\n" for row in rows)).encode())


def of_links(*rows: str) -> Source:
    return Source("links.csv", ("URN,LinkURN,LinkType\n" + "".join(f"{row}\n" for row in rows)).encode())


def zipped(**files: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_csv", ".csv"), content)
    return packed.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        zipped(edubase_csv=gias({}).content),
        zipped(results_csv=b"Status,Message\nfine,done\n", links_csv=of_links().content, edubase_csv=gias({}).content),
        gzip.compress(gias({}).content),
        b"Extract of today\r\n\r\n" + gias({}).content,
        gias({}, columns=(*reversed(tuple(SCHOOL)), "New column")).content,
    ],
)
def test_an_extract_is_read_zipped_gzipped_under_a_title_or_reordered(content):
    source = Source("gias", content)
    assert is_gias(header_of(source, gias_columns))
    assert read_gias(source, VOCABULARY).table.frame["urn"].tolist() == ["100000"]


@pytest.mark.parametrize("file", ["gias_2024-02.txt", "gias_2026.txt"])
@needs_shared
def test_a_school_under_the_official_headers_is_read(file):
    columns = tuple((SHARED / "headers" / file).read_text(encoding="utf-8").splitlines())
    official = read_gias(gias({}, columns=columns), VOCABULARY)
    assert official.table.frame["urn"].tolist() == ["100000"]
    assert official.table.frame["ofsted"].tolist() == ["Good" if "2024" in file else ""]


def test_the_grade_of_ofsted_goes_before_that_of_gias():
    official = read_official(
        gias({}, {"URN": "100001"}), VOCABULARY, ofsted=of_ofsted("100000,4,03/10/2023,SM,3", "100009,1,,,")
    )
    first, second = official.table.frame.to_dict("records")
    assert {name: first[name] for name in ("ofsted", *INSPECTION_COLUMNS)} == {
        "ofsted": "Inadequate",
        "ofsted_date": "2023-10-03",
        "ofsted_concern": "Special measures",
        "ofsted_areas": "Quality of education: Requires improvement",
        "inspected_on": "2023-10-03",
        "ofsted_found": "Ofsted",
    }
    assert (second["ofsted"], second["ofsted_found"]) == ("Good", "GIAS")
    assert official.notices[1:] == (
        "gias.csv: 1 of 2 schools are in the Ofsted file; 1 of its rows are for schools that are not in the table.",
        "gias.csv: 1 school has another grade in GIAS than in the Ofsted file, which is used.",
    )


def test_a_school_without_a_grade_has_that_of_the_one_school_before_it():
    closed = {"EstablishmentStatus (name)": "Closed", "OfstedRating (name)": ""}
    ungraded = {"OfstedRating (name)": ""}
    official = read_official(
        gias({"URN": "100005"} | ungraded, {"URN": "100006"} | ungraded, {"URN": "100001"} | closed),
        VOCABULARY,
        ofsted=of_ofsted("100001,3,03/10/2018,,", "100002,1,,,", "100003,1,,,"),
        links=of_links(
            "100001,100004,Successor",
            "100005,100004,Predecessor",
            "100006,100002,Predecessor - merged",
            "100006,100003,Predecessor - merged",
        ),
    )
    first, second = official.table.frame.to_dict("records")
    assert (first["ofsted"], first["ofsted_date"]) == ("Requires improvement", "2018-10-03")
    assert first["ofsted_found"] == "Ofsted, inherited from 100001"
    assert (second["ofsted"], second["ofsted_found"]) == ("", "")
    assert "1 school has no grade of its own and several graded predecessors; left blank." in official.notices[-1]


def test_what_is_wrong_with_all_three_files_is_told_at_once():
    with pytest.raises(DataError) as caught:
        read_official(gias({"URN": "x"}), VOCABULARY, ofsted=of_ofsted("y,1,,,"), links=of_links("z,100000,Successor"))
    assert [problem.table for problem in caught.value.problems] == ["gias.csv", "links.csv", "ofsted.csv"]


def test_a_place_far_from_the_others_of_its_postcode_is_left_out():
    near = [
        {"URN": f"10000{n}", "Easting": str(533_000 + 100 * n), "Postcode": f"ab1 2c{'defgh'[n]}"} for n in range(5)
    ]
    official = read(*near, {"URN": "100008", "Easting": "430000", "Postcode": "AB1 2CD"})
    assert len(official.table.frame) == 5
    assert official.left_out["reason"].tolist() == ["is 103 km from the other schools of its postcode AB1 2CD"]


def test_a_place_in_another_town_is_left_out_and_one_in_thin_country_is_not():
    town = [
        {"URN": str(100_100 + n), "Easting": str(500_000 + 50 * n), "Northing": "200000", "Postcode": f"CD1 {n % 9}AA"}
        for n in range(30)
    ]
    home = [
        {"URN": str(100_200 + n), "Easting": "515000", "Northing": "200000", "Postcode": "AB1 2CD"} for n in range(5)
    ]
    lost = {"URN": "100300", "Easting": "500500", "Northing": "200000", "Postcode": "AB1 2CD"}
    rural = {"URN": "100301", "Easting": "528000", "Northing": "200000", "Postcode": "AB1 2CD"}
    assert read(*town, *home, lost, rural).left_out["urn"].tolist() == ["100300"]


@pytest.mark.long
@needs_shared
def test_every_open_state_school_is_in_the_table_or_left_out_with_a_reason():
    source = open_source(SHARED / "gias_2024_format.csv.gz")
    official = read_official(
        source,
        VOCABULARY,
        ofsted=open_source(SHARED / "ofsted_mi_2025_format.csv.gz"),
        links=open_source(SHARED / "gias_links_2025.csv.gz"),
    )
    wanted = {"URN", "EstablishmentStatus (name)", "TypeOfEstablishment (code)"}
    sheet = read_sheet(source, encodings=("cp1252",), wanted=wanted.__contains__)
    rows = pd.DataFrame(dict(zip(sheet.header, sheet.columns, strict=True)), dtype="object")
    state = establishment_types().query("kind == 'state'").index
    open_state = rows[
        rows["EstablishmentStatus (name)"].str.startswith("Open") & rows["TypeOfEstablishment (code)"].isin(state)
    ]
    here, left_out = set(official.table.frame["urn"]), dict(official.left_out[["urn", "reason"]].to_numpy())
    assert all((urn in here) != bool(left_out.get(urn)) for urn in open_state["URN"])
    # Hardly any of them is left out, and each for its place.
    codes = official.left_out.set_index("urn")["reason_code"].reindex(open_state["URN"]).dropna()
    assert set(codes) <= {"no_place", "wrong_place", "no_phase", "not_in_england"}
    assert len(open_state) == len(here & set(open_state["URN"])) + len(codes)
    assert official.table.frame["ofsted_found"].str.contains("inherited").sum() == 22


# Rows that are left out anyway, odd bytes, federations

_NOT_KEPT = [
    {"TypeOfEstablishment (code)": "47", "TypeOfEstablishment (name)": "Children's centre"},
    {"EstablishmentStatus (name)": "Closed", "CloseDate": "31-08-2021"},
    {"GOR (name)": "Wales (pseudo)"},
    {"Easting": "", "Northing": ""},
]


@given(
    st.lists(st.tuples(st.sampled_from(_NOT_KEPT), st.sampled_from(["20001", "", "x", "1000001"])), max_size=4),
    st.data(),
)
@cases(20)
def test_rows_that_are_left_out_anyway_never_refuse_an_extract(others, data):
    name = st.sampled_from(["", "Sunny Centre"])
    rows = [{"URN": "100000"}, {"URN": "100001"}]
    rows += [why | {"URN": urn, "EstablishmentName": data.draw(name)} for why, urn in others]
    found = read(*data.draw(st.permutations(rows)))
    assert found.table.frame["urn"].tolist() == ["100000", "100001"]
    assert sorted(found.left_out["urn"]) == sorted(urn for _, urn in others)


def test_the_urn_and_name_of_a_school_that_is_kept_must_be_sound():
    with pytest.raises(DataError) as caught:
        read({"URN": "20001"}, {"URN": "100001", "EstablishmentName": ""}, {"URN": "100002"}, {"URN": "100002"})
    assert [(one.row, one.column) for one in caught.value.problems] == [
        (2, "URN"),
        (3, "EstablishmentName"),
        (5, "URN"),
    ]


@given(
    st.sampled_from([b"\x81", b"\x8d", b"\x8f", b"\x90", b"\x9d"]),
    st.sampled_from(["cp1252", "utf-8", "utf-8-sig"]),
    st.sampled_from(["EstablishmentName", "LA (name)", "Trusts (name)"]),
    st.sampled_from(["plain", "gz", "zip"]),
)
@cases(25)
def test_an_odd_byte_is_a_notice_whatever_the_encoding(byte, encoding, column, packing):
    rows = [{"URN": f"10000{k}", "Postcode": f"AB1 {k}CD", "EstablishmentName": "Zoë’s School"} for k in range(4)]
    rows[2][column] = "Before@after"
    content = gias(*rows, encoding=encoding).content.replace(b"@", byte)
    if packing == "gz":
        content = gzip.compress(content)
    if packing == "zip":
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            archive.writestr("edubasealldata.csv", content)
        content = packed.getvalue()
    found = read_gias(Source("gias.csv", content), VOCABULARY)
    assert found.table.frame["name"].tolist()[0] == "Zoë’s School"
    (notice,) = [notice for notice in found.notices if "cannot be read" in notice]
    assert f"such as 'Before\ufffdafter': {column} (1)" in notice


def test_federations_are_told_apart_by_their_codes():
    both = {"Federations (name)": "Alder Federation"}
    rows = [
        both | {"URN": "100000", "Federations (code)": "555"},
        both | {"URN": "100001", "Federations (code)": "555"},
        both | {"URN": "100002", "Federations (code)": "777"},
        {"URN": "100003", "Federations (code)": "888", "Federations (name)": "Birch Federation"},
        {"URN": "100004", "Federations (code)": "999", "Federations (name)": ""},
        {"URN": "100005", "Federations (code)": "", "Federations (name)": "Not applicable"},
    ]
    found = read(*rows, columns=(*SCHOOL, "Federations (code)")).table.frame
    assert found["federation"].tolist() == [
        "Alder Federation (555)",
        "Alder Federation (555)",
        "Alder Federation (777)",
        "Birch Federation",
        "Federation (999)",
        "",
    ]
