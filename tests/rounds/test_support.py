"""Terms, visits, reviews and evaluations: what is recorded, what is refused, and the days that they come to."""

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
import tiny
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from stores import opened
from test_desk import BEGAN, PAIR, event, lines, refused, state, status

from matching.errors import DataError
from matching.rounds.desk.handed_over import evaluation_summary, evaluations_table
from matching.rounds.desk.support import LONGEST_VISIT, quarters
from matching.rounds.desk.support_table import support_table
from matching.rounds.desk.today import line_in_words
from matching.rounds.desk.visits_table import proposed_visits
from matching.rounds.history.events import Event, new_event
from matching.rounds.history.merging import can_merge
from matching.rounds.history.refusals import check_event, why_refused
from matching.rounds.history.state import state_of
from matching.rounds.history.table import deployment_lines, history_csv, what_happened
from matching.tables.files import Source

AGREED = status("agreed")


def on_day(number: int) -> str:
    return (BEGAN + timedelta(days=number)).isoformat()


def visit(on: int = 0, days: str = "1", at: int = 60, **about: str) -> Event:
    return event("visit", BEGAN + timedelta(days=at), on=on_day(on), days=days, **about)


def test_what_was_agreed_and_done_is_by_deployment_and_can_be_undone():
    agreed = event(
        "terms", start="2026-09-07", end="2026-12-18", days="2.5", objectives="Phonics", review_on="2026-11-02"
    )
    events = [
        AGREED,
        agreed,
        visit(6, "0.5", by_whom="The head", text="Saw a lesson"),
        visit(2, "0.25"),
        visit(6, "0.25", need_id="N2"),
        event("review", on=on_day(9), text="Going well"),
        event("evaluation", on=on_day(12), rating="3", text="Better reading"),
    ]
    found = state(*events).support
    terms = found.terms[PAIR]
    assert (terms.start, terms.end, terms.days) == (date(2026, 9, 7), date(2026, 12, 18), Decimal("2.5"))
    assert (terms.objectives, terms.review_on) == ("Phonics", date(2026, 11, 2))
    assert [(one.on.day, one.days, one.by_whom) for one in found.visits[PAIR]] == [
        (3, Decimal("0.25"), ""),
        (7, Decimal("0.5"), "The head"),
    ]
    assert [one.text for one in found.reviews[PAIR]] == ["Going well"]
    assert [(one.rating, one.text) for one in found.evaluations[PAIR]] == [("3", "Better reading")]
    assert found.days_used(PAIR) == Decimal("0.75")
    assert found.days_of("S1") == 1
    assert found.days_agreed(PAIR, 9.0) == Decimal("2.5")
    assert found.days_agreed(("N2", "S1"), 1.1) == Decimal("1.1")
    without = replace(event("undo"), about={}, undoes=3, number=8)
    assert state(*events, without).support.days_used(PAIR) == Decimal("0.25")
    assert "Going well" not in repr(found) and "Saw a lesson" not in repr(found)


def test_the_latest_terms_count_until_the_deployment_ends_and_its_visits_stay():
    first, second = event("terms", days="3"), event("terms", start="2026-10-01")
    assert state(first, second).support.terms[PAIR].days is None
    ended = state(AGREED, first, visit(), status("withdrawn")).support
    assert (PAIR in ended.terms, ended.days_used(PAIR)) == (False, 1)


def test_the_words_of_the_history_keep_what_was_said_to_themselves():
    events = [
        AGREED,
        event("terms", days="2", start="2026-09-07", objectives="Zqobjective"),
        visit(1, "0.5", by_whom="Zqwho", text="Zqnote"),
        visit(2, "1", text="Zqnote"),
        event("review", on=on_day(9), text="Zqreview"),
        event("evaluation", on=on_day(12), rating="4", text="Zqimpact"),
    ]
    found = state(*events)
    assert [what_happened(one) for one in found.events[1:]] == [
        "terms of the support: 2 days, from 2026-09-07",
        "visit: 0.5 days on 2026-09-02",
        "visit: 1 day on 2026-09-03",
        "review held on 2026-09-10",
        "evaluation by the school: a great difference on 2026-09-13",
    ]
    assert deployment_lines(found)[PAIR] == (
        "agreed 1 Sep 2026, terms agreed 1 Sep 2026, 2 visits (1.5 days) until 3 Sep 2026, review 10 Sep 2026, "
        "evaluation: a great difference 13 Sep 2026"
    )
    assert b"Zq" not in history_csv(found.events)
    assert history_csv(found.events, private=True).count(b"Zq") == 6


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (visit(-1), "31/08/2026 is before the round began."),
        (visit(9, at=3), "10/09/2026 is in the future."),
        (event("visit", days="1"), "The day is missing."),
        (visit(days="1.25"), "'1.25' is more than 1 day."),
        (visit(days="0.3"), "'0.3' is not a number of quarter days. Give quarters, such as 0.25, 0.5 or 1."),
        (visit(days="0"), "'0' is not a number of quarter days."),
        (visit(days="-0.5"), "'-0.5' is not a number of quarter days."),
        (visit(days=""), "'' is not a number of quarter days."),
        (visit(days="½"), "'½' is not a number of quarter days."),
        (visit(need_id="N2"), "The support is proposed, so there is no visit of it. Record first that it is agreed"),
        (event("review", on=on_day(0)), "What was said is missing."),
        (event("review", on=on_day(0), text="x", need_id="N2"), "so there is no review of it."),
        (event("review", on=on_day(5), text="x"), "06/09/2026 is in the future."),
        (event("evaluation", on=on_day(0), rating="5"), "'5' is no rating. Known are: 4 (a great difference), 3"),
        (event("evaluation", on=on_day(0)), "'' is no rating."),
        (event("terms"), "Nothing is agreed."),
        (event("terms", start="2026-10-02", end="2026-10-01"), "The support would end before it starts."),
        (event("terms", start="2026-10-02", review_on="2026-10-01"), "The review would be before the support starts."),
        (event("terms", start="2/10/2026"), "'2/10/2026' is not a day."),
        (event("terms", days="1000.25"), "'1000.25' is more than 1000 days."),
        (event("terms", days="1e1"), "'1e1' is not a number of quarter days."),
        (event("terms", days="1", objectives="x" * 4_001), "The text has 4,001 characters"),
        (visit(text="a\x07b"), "holds a control character"),
    ],
)
def test_what_cannot_be_recorded_of_the_support_says_why_and_what_to_do(one, words):
    assert words in refused(one, event("created"), AGREED)


def test_terms_are_agreed_before_the_consents_and_not_once_it_has_ended():
    check_event(state(event("created")), event("terms", days="3"))
    assert "The support is withdrawn." in refused(event("terms", days="3"), status("withdrawn"))


ATTEMPTS = st.lists(
    st.one_of(
        st.builds(
            lambda need, on, quarter: visit(on, str(Decimal(quarter) / 4), need_id=need),
            st.sampled_from(("N1", "N2")),
            st.integers(0, 1),
            st.integers(1, 4),
        ),
        st.builds(lambda number: replace(event("undo"), about={}, undoes=number), st.integers(1, 14)),
    ),
    max_size=14,
)


@cases(60, 25)
@given(ATTEMPTS)
def test_the_visits_of_one_person_never_exceed_a_day_on_a_day_whatever_is_recorded_undone_and_redone(attempts):
    events = [replace(one, number=at) for at, one in enumerate((AGREED, status("agreed", need_id="N2")), start=1)]
    for one in attempts:
        if one.undoes and one.undoes <= 2:
            continue
        before = state_of(events)
        if why_refused(before, one) is None:
            events.append(replace(one, number=len(events) + 1))
        elif one.kind == "visit":
            on = date.fromisoformat(one.about["on"])
            assert before.support.days_of("S1", on) + Decimal(one.about["days"]) > LONGEST_VISIT
    found = state_of(events).support
    for day in (0, 1):
        assert found.days_of("S1", BEGAN + timedelta(days=day)) <= LONGEST_VISIT
    total = sum((one.days for visits in found.visits.values() for one in visits), Decimal(0))
    assert total == found.days_of("S1") == found.days_used(PAIR) + found.days_used(("N2", "S1"))


@cases(60)
@given(st.decimals(0, 12, places=3))
def test_days_are_quarters_and_exact(days):
    is_sound = 0 < days <= LONGEST_VISIT and days % Decimal("0.25") == 0
    try:
        assert quarters(str(days), LONGEST_VISIT) == days
        assert is_sound
    except ValueError:
        assert not is_sound


def test_a_full_day_names_what_is_left_of_it():
    words = refused(visit(2, "0.5"), AGREED, visit(2, "0.75", need_id="N2"))
    assert "S1 has visits of 0.75 days on 03/09/2026 already. With this one they would exceed one day." in words
    assert "At most 0.25 days is left of that day." in words


# ---- in a round ----------------------------------------------------------------------------------------------------


def test_visits_are_kept_in_the_round_its_copy_and_its_file_and_one_entry_cannot_exceed_a_day(tmp_path):
    sources = {name: tiny.as_source(name, table) for name, table in tiny.sources().items()}
    about = {"by": "Jo", "need_id": "N1", "supporter_id": "S1"}
    other = {**about, "need_id": "N3"}
    with opened(tmp_path / "rounds.db") as store:
        seen = store.create("Autumn", sources)
        today = seen.events[0].at.date().isoformat()
        agreed = [new_event("desk", by="Jo", consents="")]
        agreed += [new_event("status", status="agreed", **one) for one in (about, other)]
        seen = store.record(seen, agreed)
        half = new_event("visit", on=today, days="0.5", **about)
        with pytest.raises(DataError, match="would exceed one day"):
            store.record(seen, [half, new_event("visit", on=today, days="0.75", **other)])
        assert store.get(seen.round_id).last_event == seen.last_event
        seen = store.record(seen, [half, new_event("visit", on=today, days="0.5", **other)])
        assert seen.sources == sources
        for again in (
            store.import_round(store.export_round(seen.round_id)),
            store.copy(seen.round_id, "Copy", decisions=True),
        ):
            assert state_of(again.events).support.days_of("S1") == 1
        undone = store.undo(seen, seen.last_event)
        assert state_of(undone.events).support.days_of("S1") == Decimal("0.5")


def test_visits_of_different_people_merge_and_of_one_person_do_not():
    seen = [replace(event("created"), number=1)]
    other = visit(need_id="N2", supporter_id="S2")
    assert can_merge(seen, [replace(other, number=2)], [visit()])
    assert not can_merge(seen, [replace(visit(need_id="N2"), number=2)], [visit()])


# ---- what is due ---------------------------------------------------------------------------------------------------


def due(*events: Event, day: int, starts: str = "") -> list[tuple[str, str, int | None, str]]:
    """The lines of N1, for which the need asks for two days, with their words."""
    return [
        (one.kind, one.urgency, one.days, line_in_words(one)) for one in lines(AGREED, *events, day=day, starts=starts)
    ]


def test_a_deployment_begins_on_the_day_of_its_terms_and_not_on_that_of_the_need():
    agreed = event("terms", start="2026-10-01")
    assert due(agreed, day=15, starts="2026-09-10") == []
    assert due(agreed, day=20, starts="2026-09-10") == [("starts soon", "now", 10, "must begin in 10 days")]
    assert due(agreed, day=32) == [("begin", "now", -2, "must have begun 2 days ago")]


def test_an_active_deployment_without_a_visit_for_four_weeks_has_visits_to_log():
    active = status("active", 2)
    assert due(active, day=29) == []
    assert due(active, day=30) == [("log visits", "soon", 28, "no visit logged since 03/09/2026")]
    assert due(active, visit(20, "0.25"), day=47) == []
    assert due(active, visit(20, "0.25"), day=48) == [("log visits", "soon", 28, "no visit logged since 21/09/2026")]
    # Once the two days are used there is no visit to wait for.
    assert due(active, visit(20), visit(21), day=90) == []


def test_days_that_are_left_are_listed_when_the_end_is_near():
    events = [status("active", 2), event("terms", days="1.5", end="2026-10-30"), visit(30, "0.25")]
    assert due(*events, day=44) == []
    assert due(*events, day=45) == [("days left", "soon", 14, "1.25 days left, ends on 30/10/2026")]
    assert due(*events, day=60) == [
        ("days left", "now", -1, "1.25 days left, was to end on 30/10/2026"),
        ("evaluate", "soon", 1, "was to end on 30/10/2026"),
    ]
    assert [one[0] for one in due(*events, visit(40), visit(41, "0.25"), day=60)] == ["evaluate"]


def test_a_review_is_due_from_a_week_before_its_day_until_one_is_held():
    agreed = event("terms", review_on="2026-10-12")
    assert due(agreed, day=33) == []
    assert due(agreed, day=34) == [("hold review", "soon", 7, "review due on 12/10/2026")]
    assert due(agreed, day=43) == [("hold review", "now", -2, "review was due on 12/10/2026")]
    earlier, held = (event("review", on=on_day(one), text="Fine") for one in (20, 36))
    assert [one[0] for one in due(agreed, earlier, day=43)] == ["hold review"]
    assert due(agreed, earlier, held, day=43) == []


def test_an_evaluation_is_due_once_the_support_is_completed():
    done = status("completed", 30)
    assert due(done, day=31) == [("evaluate", "soon", 1, "completed on 01/10/2026")]
    assert due(done, event("evaluation", on=on_day(31), rating="4"), day=31) == []


# ---- what the schools say ------------------------------------------------------------------------------------------


def test_evaluations_are_counted_by_area_designation_and_focus_and_their_words_leave_only_if_asked():
    said = [
        AGREED,
        status("agreed", need_id="N3"),
        event("evaluation", on=on_day(1), rating="1", text="Zqimpact early"),
        event("evaluation", on=on_day(9), rating="4", text="=Zqimpact"),
    ]
    found = state(*said)
    table = support_table(found, {"N1": "S1", "N2": "S2", "N3": "S1"}, tiny.read())
    rows = evaluation_summary(table, found).set_index(["by", "group"])
    columns = ["deployments", "evaluated", "rated_4", "rated_3", "rated_2", "rated_1"]
    assert rows.columns.tolist() == columns
    assert rows.loc[("total", "All deployments")].tolist() == [2, 1, 1, 0, 0, 0]
    assert rows.loc[("local authority", "Marshire")].tolist() == [1, 0, 0, 0, 0, 0]
    assert rows.loc[("designation", "SLE")].tolist() == [2, 1, 1, 0, 0, 0]
    assert rows.loc[("focus", "maths")].tolist() == [1, 1, 1, 0, 0, 0]
    assert "Zq" not in evaluations_table(table, found).to_csv()
    (told,) = evaluations_table(table, found, private=True).to_dict("records")
    assert (told["rating_in_words"], told["impact"]) == ("A great difference", "'=Zqimpact")


# ---- visits from a table -------------------------------------------------------------------------------------------

HEADER = ["need_id", "supporter_id", "on", "days", "note"]


def proposed(rows: list[list[object]], *events: Event, name: str = "visits.csv"):
    content = tiny.xlsx([HEADER, *rows]) if name.endswith("xlsx") else csv_of([HEADER, *rows])
    return proposed_visits(Source(name, content), state(*events), {"N1", "N2", "N3"}, {"S1", "S2"}, by="Jo")


def csv_of(rows: list[list[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


ROWS = st.lists(
    st.tuples(
        st.sampled_from(("N1", "N3", "n1", "")),
        st.integers(0, 3).map(on_day),
        st.sampled_from(("0.25", "0.5", "1", "0.3", "2", "half")),
        st.sampled_from(("", "Saw a lesson")),
    ),
    min_size=1,
    max_size=8,
)


@cases(40)
@given(ROWS, st.sampled_from(("visits.csv", "visits.xlsx")))
def test_a_table_of_visits_is_proposed_whole_or_every_fault_is_listed_and_twice_adds_nothing(rows, name):
    before = [AGREED, status("agreed", need_id="N3")]
    cells = [[need_id, "S1", on, days, note] for need_id, on, days, note in rows]
    faulty = {at for at, row in enumerate(cells, start=2) if row[0] not in ("N1", "N3") or row[3] not in QUARTERS}
    try:
        found = proposed(cells, *before, name=name)
    except DataError as error:
        named = {one.row for one in error.problems}
        assert faulty <= named
        # Any other fault is a row given twice, or a day with more than a day of visits.
        words = [one.message for one in error.problems if one.row not in faulty]
        assert all("same visit" in one or "exceed one day" in one for one in words)
        assert faulty or words
        return
    assert not faulty
    after = [*before, *found.events]
    assert state(*after).support.days_of("S1") == sum(Decimal(row[3]) for row in cells)
    again = proposed(cells, *after, name=name)
    assert (again.events, again.logged) == ((), tuple(range(2, len(cells) + 2)))


QUARTERS = ("0.25", "0.5", "1")


def test_every_fault_of_a_table_of_visits_names_its_cell():
    with pytest.raises(DataError) as caught:
        proposed(
            [
                ["N9", "S1", on_day(1), "1", ""],
                ["N1", "S7", on_day(1), "1", ""],
                ["N1", "S1", "31/02/2026", "0.3", ""],
                ["N1", "S1", "01/01/2026", "0.5", ""],
                ["N2", "S1", on_day(1), "0.5", ""],
                ["N1", "S1", on_day(2), "0.75 days", ""],
                ["N1", "S1", on_day(2), "0.5", ""],
            ],
            event("created"),
            AGREED,
        )
    assert [(one.row, one.column, one.table) for one in caught.value.problems] == [
        (2, "need_id", "visits.csv"),
        (3, "supporter_id", "visits.csv"),
        (4, "days", "visits.csv"),
        (4, "on", "visits.csv"),
        (5, "on", "visits.csv"),
        (6, "status", "visits.csv"),
        (8, "days", "visits.csv"),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"need_id,supporter_id,on\n", "column 'days' is missing"),
        (csv_of([HEADER]), "There is no row under the header"),
    ],
)
def test_a_table_without_visits_is_refused(content, words):
    with pytest.raises(DataError, match=words):
        proposed_visits(Source("visits.csv", content), state(AGREED), {"N1"}, {"S1"}, by="Jo")
