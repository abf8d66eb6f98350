"""Decisions handed to sound inputs as a value, without a file."""

from datetime import date

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from tiny import DECISIONS_HEADER, faults, faults_of, read

from matching.inputs.read import with_decisions

COLUMNS = ["kind", "supporter_id", "need_id", "reason", "by", "on"]
DAY = date(2026, 8, 1)


def table(*rows: tuple[object, ...]) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS, dtype="object")


def as_file(*rows: tuple[object, ...]) -> str:
    """The same rows as a file has them."""
    lines = [
        f"{kind},{supporter_id},{need_id},,{reason},{by},{on or ''}\n"
        for kind, supporter_id, need_id, reason, by, on in rows
    ]
    return DECISIONS_HEADER + "".join(lines)


SOUND = (
    ("pin", "S2", "N2", "asked for", "Pat", DAY),
    ("forbid", "S1", "N1", "worked there", "", None),
    ("declined", "S1", "N3", "", "", DAY),
)


def test_decisions_as_a_value_are_those_of_a_file_with_the_same_rows():
    given, from_file = with_decisions(read(), table(*SOUND)), read(decisions=as_file(*SOUND))
    assert_frame_equal(given.decisions, from_file.decisions)
    assert given.decisions["on"].tolist() == [None, DAY, DAY]


def test_they_replace_earlier_ones_and_the_file_these_came_from():
    before = read(decisions=as_file(*SOUND))
    after = with_decisions(before, table(SOUND[0]))
    assert after.decisions["kind"].tolist() == ["pin"]
    assert set(before.files) - set(after.files) == {"decisions"}
    assert len(before.decisions) == 3
    assert with_decisions(before, table()).decisions.empty


def test_their_order_does_not_matter():
    one, other = with_decisions(read(), table(*SOUND)), with_decisions(read(), table(*reversed(SOUND)))
    assert_frame_equal(one.decisions.drop(columns="row"), other.decisions.drop(columns="row"))


@pytest.mark.parametrize(
    "rows",
    [
        [("pine", "S1", "N1", "", "", None)],
        [("forbid", "S9", "N1", "", "", None), ("declined", "S1", "N9", "", "", None)],
        [("pin", "S1", "N1", "", "", None), ("pin", "S2", "N1", "", "", None)],
        [("forbid", "S1", "N1", "", "", None), ("pin", "S1", "N1", "", "", None)],
        [("pin", "S2", "N1", "", "", None), ("pin", "S2", "N2", "", "", None)],
    ],
)
def test_what_is_wrong_with_them_is_what_is_wrong_in_a_file(rows):
    expected = faults(decisions=as_file(*rows))
    assert faults_of(lambda: with_decisions(read(), table(*rows), name="decisions.csv")) == expected


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (("pin", "", "N1", "", "", None), "supporter_id: The cell is blank. Fill it in: identifier as in supporters."),
        (("pin", "S1", "", "", "", None), "need_id: The cell is blank. Fill it in: "),
    ],
)
def test_each_names_a_supporter_and_a_need(row, fault):
    (found,) = faults_of(lambda: with_decisions(read(), table(row)))
    assert found.startswith(f"decisions row 2, {fault}")
