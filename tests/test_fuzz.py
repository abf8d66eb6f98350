"""A fixed part of the hostile files; `python tests/fuzz.py --count 20000` tries many more."""

import gzip

import fuzz
import pytest
from depth import mostly_long

from matching.tables.files import Source, read_sheet
from matching.tables.limits import LIMITS

PARTS, SIZE = 5, 30


@pytest.mark.parametrize("part", mostly_long(range(PARTS), every=3))
def test_hostile_files_end_in_a_table_or_in_problems(part):
    for number in range(part * SIZE, (part + 1) * SIZE):
        kind, source = fuzz.case(number)
        assert fuzz.tried(kind, source) == "", f"python tests/fuzz.py --only {number}"


@pytest.mark.parametrize("path", sorted(fuzz.CORPUS.glob("*-*")), ids=lambda path: path.name)
def test_what_once_failed_does_not_again(path):
    kind = path.name.split("-")[0]
    assert fuzz.tried(kind, Source(path.name, path.read_bytes())) == ""


def test_the_number_of_a_case_is_all_that_it_depends_on():
    assert fuzz.case(77) == fuzz.case(77)
    assert len({fuzz.case(number)[1].content for number in range(20)}) > 15


def test_a_file_that_takes_too_long_or_fails_is_found():
    assert fuzz.tried("needs", Source("n", fuzz.SEEDS["needs"]), longest_s=1e-3).startswith("took over")
    assert "KeyError" in fuzz.tried("no such kind", Source("n", b""))


@pytest.mark.parametrize("kind", sorted(fuzz.SEEDS))
def test_the_files_they_are_made_from_are_sound(kind):
    source = Source(kind, fuzz.SEEDS[kind])
    assert fuzz.tried(kind, source) == ""
    if kind not in ("policy", "columns"):
        assert read_sheet(source, encodings=("cp1252",), recognise=len).numbers


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b",".join(b"c%d" % n for n in range(10_000)) + b"\n",
            "The header has 10,000 columns, and at most 1,000 are read.",
        ),
        (b"a,b\n1," + b"x" * 5_000_000 + b"\n", "The row is longer than 4,000,000 characters."),
        (gzip.compress(b"a" * (LIMITS.file_bytes + 1)), "The file is larger than 256 MB."),
    ],
)
def test_every_limit_is_told_in_a_sentence(content, message):
    with pytest.raises(fuzz.DataError) as caught:
        read_sheet(Source("t", content))
    assert [problem.message for problem in caught.value.problems] == [message]
