from pathlib import Path

import pytest
from tiny import NEEDS, faults, faults_of, read

from matching.errors import DataError
from matching.inputs.official.links import Links, link_columns, read_links
from matching.tables.files import Source, open_source

SHARED = Path(__file__).parents[2] / "../shared/data"
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="the official files are not in ../shared/data")
HEADER = '"URN","LinkURN","LinkName","LinkType","LinkEstablishedDate"\n'


def links(*rows: str) -> Links:
    return read_links(Source("links.csv", (HEADER + "".join(f"{row}\n" for row in rows)).encode("cp1252")))


def test_the_header_is_recognised():
    assert link_columns(("LinkType", "URN", "LinkURN", "more")) == 3
    assert link_columns(("URN", "LinkURN")) == 2


@pytest.mark.parametrize(
    "row",
    [
        "100000,100001,New,Successor,01-09-2020",
        "100000,100001,New,successor  - merged,",
        "100001,100000,Old,Predecessor,",
        "100001,100000,Old,Predecessor - amalgamated,",
        "100000,100001,New,Result of Amalgamation,",
    ],
)
def test_a_successor_is_found_from_either_side(row):
    read = links(row)
    assert read.successors("100000", {"100001"}) == ("100001",)
    assert read.predecessors("100001", {"100000"}) == ("100000",)


def test_chains_are_followed_to_the_first_known_schools():
    read = links("100000,100001,,Successor,", "100001,100002,,Successor,", "100002,100003,,Successor,")
    assert read.successors("100000", {"100002", "100003"}) == ("100002",)
    assert read.successors("100000", {"100009"}) == ()


def test_several_successors_are_all_named():
    read = links("100000,100002,,Successor - Split School,", "100000,100001,,Successor - Split School,")
    assert read.successors("100000", {"100001", "100002"}) == ("100001", "100002")


def test_a_circle_ends():
    assert links("100000,100001,,Successor,", "100001,100000,,Successor,").successors("100000", {"100000"}) == ()


def test_other_links_are_not_followed_and_strange_ones_are_told():
    read = links("100000,100001,,Sixth Form Centre Link,", "100000,100001,,Cousin,")
    assert read.successors("100000", {"100001"}) == ()
    assert read.notices == (
        "links.csv: links of a type that this version does not know are not followed: 'Cousin' (1).",
    )


def test_what_cannot_be_used_is_a_problem():
    assert faults_of(lambda: links("1,100001,,Successor,", "100000,x,,Successor,")) == [
        "links.csv row 2, URN: '1' is not a URN. A URN has six digits, such as 100000.",
        "links.csv row 3, LinkURN: 'x' is not a URN. A URN has six digits, such as 100000.",
    ]
    assert faults_of(links)[0].startswith("links.csv: There is no row under the header.")
    (fault,) = faults_of(lambda: read_links(Source("l.csv", b"URN,LinkURN\n100000,100001\n")))
    assert fault.startswith("l.csv row 1, LinkType: The column is missing from this links file.")


@needs_shared
def test_the_official_file_is_read_whole():
    read = read_links(open_source(SHARED / "gias_links_2025.csv.gz"))
    assert (read.rows, read.notices) == (33_801, ())


def test_links_of_no_school_are_left_out_and_counted():
    read = links("100000,100001,,Successor,", "20001,100001,,Successor,", "100001,EY9,,Closure,")
    assert read.successors("100000", {"100001"}) == ("100001",)
    assert read.rows == 1
    assert "1 row without a URN of six digits left out" in " ".join(read.notices)


def test_a_link_of_an_unknown_type_is_named_where_its_school_is_missed():
    kind = "Successor - change of age range"
    file = Source("links.csv", f"{HEADER}100009,100001,Birch,{kind},\n".encode())
    (fault,) = faults(links=file, needs=NEEDS.replace("N1,100000", "N1,100009"))
    assert f"100001 (Birch School, type '{kind}'). If that school took its place, give its URN." in fault
    with pytest.raises(DataError) as caught:
        read(links=file, needs=NEEDS.replace("N1,100000", "N1,100009"))
    assert caught.value.problems[0].offers == ("100001",)
