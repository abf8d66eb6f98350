"""Newer tables of a round with a plan, as a coordinator meets them: seen row by row, accepted, and undone together."""

import re
from dataclasses import replace

import pytest
import tiny
from test_screens import Visitor, with_tables

from matching.rounds.database import DATABASE_VARIABLE
from matching.rounds.history.events import RowChange, new_event
from matching.rounds.history.state import state_of
from matching.rounds.register import rows_by_key, table_cells
from matching.rounds.round import Round
from matching.rounds.store import open_store
from matching.ui.steps import NEWER, PLAN, START, TRIAGE

NEEDS = tiny.NEEDS.replace("N2,100001,headship", "N4,100000,maths").replace("phonics,,2.5", "phonics,,3")
"""One more need, one gone (of headship) and one changed."""
SHORTER = "".join(tiny.SUPPORTERS.splitlines(keepends=True)[:2])
TROUBLED = tiny.SCHOOLS.replace("Fenshire,,Good", "Fenshire,,Inadequate")


@pytest.fixture(autouse=True)
def database(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv(DATABASE_VARIABLE, f"sqlite:///{tmp_path / 'rounds.db'}")


def round_of(visitor: Visitor) -> Round:
    found = open_store().get(visitor.round_id)
    assert found is not None
    return found


def rows(visitor: Visitor, table: str) -> dict[str, dict[str, str]]:
    cells = rows_by_key(table_cells(round_of(visitor).sources, table), table)
    return {key[0]: row for key, row in cells.items()}


def set_status(visitor: Visitor, need_id: str, supporter_id: str, status: str) -> None:
    """Record a status in another window, and open the round as it is then."""
    about = {"need_id": need_id, "supporter_id": supporter_id, "status": status}
    waits_for_no_one = new_event("desk", by="Ann Ash", consents="")
    open_store().record(round_of(visitor), [waits_for_no_one, new_event("status", by="Ann Ash", **about)])


@pytest.fixture
def planned() -> Visitor:
    visitor = with_tables()
    visitor.make_plan()
    return visitor


@pytest.fixture
def agreed(planned) -> Visitor:
    """N2 is agreed with S2, and S1 has declined N1."""
    set_status(planned, "N2", "S2", "agreed")
    set_status(planned, "N1", "S1", "declined")
    return Visitor(START, round=planned.round_id)


def upload(visitor: Visitor, **tables: str | bytes) -> None:
    visitor.go(START)
    visitor.upload(**tables)
    visitor.press("Check the files")


def test_a_newer_table_is_shown_before_anything_changes(agreed):
    before = round_of(agreed)
    upload(agreed, needs=NEEDS)
    assert agreed.title == "Newer tables"
    assert [agreed.figure(f"Needs {kind}") for kind in ("added", "changed", "gone")] == ["1", "1", "1"]
    assert "1 need with agreed deployments: headship at Birch School (N2)." in agreed.words()
    assert "headship at Birch School (N2), agreed with Bob Bay (S2): the need is withdrawn." in agreed.words()
    assert round_of(agreed).events == before.events
    agreed.go(START)
    assert "Newer tables wait for you to accept or discard them." in agreed.words()


def test_all_of_it_is_accepted_as_one_entry_and_undone_together(agreed):
    first, before = agreed.round_id, round_of(agreed)
    upload(agreed, needs=NEEDS)
    agreed.press("Accept all")
    assert "Newer table accepted:" in agreed.words()
    assert "Kept: Bob Bay (S2) at headship at Birch School (N2)." in agreed.words()
    after = round_of(agreed)
    assert agreed.round_id == first
    assert [one.kind for one in after.events[before.last_event :]] == ["newer_table", "pin"]
    assert {one: row["state"] for one, row in rows(agreed, "needs").items()} == {
        "N1": "",
        "N2": "withdrawn",
        "N3": "",
        "N4": "",
    }
    assert state_of(after.events).status_of("N1", "S1") == "declined"
    assert after.current == before.current
    agreed.press("Undo")
    assert round_of(agreed).sources == before.sources
    assert state_of(round_of(agreed).events).placements == {}


def test_an_agreed_deployment_is_ended_by_a_tick(agreed):
    upload(agreed, needs=NEEDS)
    agreed.tick("End this deployment: headship at Birch School")
    agreed.press("Accept all")
    assert "Ended: Bob Bay (S2) at headship at Birch School (N2)." in agreed.words()
    assert state_of(round_of(agreed).events).status_of("N2", "S2") == "withdrawn"
    agreed.go(PLAN)
    assert agreed.figure("Needs met") == "1 of 3"


@pytest.mark.long
def test_only_the_ticked_rows_are_accepted(agreed):
    upload(agreed, needs=NEEDS)
    agreed.press("Untick needs gone (1)")
    assert "the need is withdrawn" not in agreed.words()
    agreed.press("Accept what is ticked (2 rows of 3)")
    assert {one: row["state"] for one, row in rows(agreed, "needs").items()} == dict.fromkeys(
        ("N1", "N2", "N3", "N4"), ""
    )
    assert rows(agreed, "needs")["N3"]["days"] == "3"


def test_people_who_are_gone_are_proposed_nowhere_and_the_agreed_ones_named_first(agreed):
    upload(agreed, supporters=SHORTER)
    words = agreed.words()
    assert "1 person with agreed deployments: Bob Bay (S2)." in words
    assert "2 of the 3 supporters of this round. Is the newer table complete?" in words
    assert words.index("no longer have") < words.index("Rows that differ")
    agreed.press("Accept all")
    (pin,) = state_of(round_of(agreed).events).pins.values()
    assert (pin.pair, pin.broken) == (("N2", "S2"), ("dates",))
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", rows(agreed, "supporters")["S3"]["available_until"])
    agreed.go(PLAN)
    assert agreed.figure("Needs met") == "2 of 3"


def test_newer_tables_are_discarded(agreed):
    before = round_of(agreed)
    upload(agreed, needs=NEEDS)
    agreed.press("Discard")
    assert "No newer table waits to be accepted." in agreed.words()
    assert round_of(agreed).events == before.events


def test_a_table_with_the_same_content_changes_nothing(agreed):
    upload(agreed, needs=tiny.NEEDS.replace("high", "High"))
    assert "The newer tables have the same content as the round's." in agreed.words()


def test_faults_are_mended_first(agreed):
    upload(agreed, needs=NEEDS.replace("phonics", "phonix"))
    assert agreed.title == "Check the data"
    agreed.press("Save and check again")
    assert agreed.title == "Newer tables"
    assert agreed.downloads()[0] == "Download the corrected needs.csv"
    agreed.press("Accept all")
    assert rows(agreed, "needs")["N3"]["focus"] == "phonics"


def test_evidence_of_people_who_are_gone_is_no_fault():
    evidence = tiny.EVIDENCE_HEADER + "".join(f"S1,SLE-{number},yes,,\n" for number in range(1, 9)) + "S3,NLE-1,yes,,\n"
    visitor = with_tables(accreditation=evidence)
    visitor.make_plan()
    upload(visitor, supporters="".join(tiny.SUPPORTERS.splitlines(keepends=True)[:3]))
    assert visitor.title == "Newer tables"
    visitor.press("Accept all")
    assert "Newer table accepted:" in visitor.words()


def test_rows_that_do_not_fit_together_are_refused_with_what_is_wrong(planned):
    supporters = tiny.SUPPORTERS + "S4,Di Dee,SLE,100001,Primary,maths,1,\n"
    evidence = tiny.EVIDENCE_HEADER + "".join(f"S4,SLE-{number},yes,,\n" for number in range(1, 9))
    upload(planned, supporters=supporters, accreditation=evidence)
    planned.press("Untick supporters added (1)")
    assert "These rows cannot be accepted together" in planned.words()
    assert "There is no S4 in the supporters table. Add the supporter first." in planned.words()
    assert planned._one(planned.tab.button, "Accept what is ticked").disabled
    planned.press("Tick supporters added (1)")
    planned.press("Accept all")
    assert "S4" in rows(planned, "supporters")
    assert "accreditation" in round_of(planned).sources


def test_a_school_that_is_gone_together_with_its_needs_is_asked_for(planned):
    upload(
        planned,
        schools=tiny.SCHOOLS.replace("100002,Cedar School", "100003,Elm School"),
        needs=tiny.NEEDS.replace("N3,100002", "N5,100003"),
    )
    assert "Rows that are gone stay, withdrawn, and name their schools" in planned.words()
    planned.press("Untick needs added (1)")
    planned.tick("Replace the schools file", on=False)
    planned.press("Accept what is ticked")
    assert rows(planned, "needs")["N3"]["state"] == "withdrawn"


def test_cells_that_were_recorded_here_are_named_before_they_are_taken_back(planned):
    change = RowChange("needs", ("N1",), {"days": "2"}, {"days": "4"})
    open_store().record(
        round_of(planned), [replace(new_event("need_changed", by="Jo", need_id="N1"), changes=(change,))]
    )
    visitor = Visitor(START, round=planned.round_id)
    upload(visitor, needs=tiny.NEEDS + "N4,100000,maths,,,\n")
    assert "1 row differs from what was recorded here since." in visitor.words()
    assert "maths at Alder School (N1)." in visitor.words()


def test_other_files_are_replaced_as_a_whole_and_undone_with_the_rest(agreed):
    before = round_of(agreed)
    schools = tiny.SCHOOLS.replace("401000", "401500") + "100003,Elm School,Primary,403000,300000,Fenshire,,\n"
    upload(
        agreed,
        schools=schools,
        policy="[weights]\ndistance = 0.4\n",
        needs=NEEDS.replace("100000,maths,,2", "100003,maths,,2"),
    )
    assert "1 school added: Elm School (100003)." in agreed.words()
    assert "1 school at another place: Birch School (100001)." in agreed.words()
    agreed.tick("Add the policy file", on=False)
    agreed.press("Accept what is ticked")
    after = round_of(agreed)
    assert [one.kind for one in after.events[before.last_event :]] == ["replaced", "newer_table", "pin"]
    assert after.sources["schools"].content == schools.encode()
    assert "policy" not in after.sources
    assert after.current == before.current
    agreed.press("Undo")
    assert round_of(agreed).sources == before.sources


def test_a_decision_meanwhile_costs_neither_it_nor_the_newer_tables(agreed):
    upload(agreed, needs=NEEDS)
    set_status(agreed, "N3", "S1", "agreed")
    agreed.press("Accept all")
    assert "The round was changed in another window" in agreed.words()
    agreed.press("Open the round as it is now")
    agreed.go(NEWER)
    agreed.press("Accept all")
    assert state_of(round_of(agreed).events).status_of("N3", "S1") == "agreed"
    assert "N4" in rows(agreed, "needs")


def test_an_approved_round_takes_no_newer_tables(planned):
    found = round_of(planned)
    open_store().approve(found, found.files, by="Jo")
    visitor = Visitor(START, round=planned.round_id)
    assert "Reopen it under Hand over before you upload newer tables." in visitor.words()
    assert "Check the files" not in visitor.buttons()


def test_without_a_plan_newer_tables_of_a_round_with_an_entry_are_a_proposal_too():
    visitor = with_tables()
    note = new_event("note", by="Jo", need_id="N1", text="Ring them")
    open_store().record(round_of(visitor), [note])
    visitor = Visitor(START, round=visitor.round_id)
    upload(visitor, needs=NEEDS)
    visitor.press("Accept all")
    assert "Newer table accepted:" in visitor.words()
    assert "Next: Check the data" in [one.label for one in visitor.tab.get("page_link")]


# ---- who needs help ------------------------------------------------------------------------------------------------


def test_ticked_needs_go_into_the_open_round_without_those_that_it_has():
    needs = tiny.NEEDS.replace("N2,100001", "N2,100000").replace("headship", "whole-school improvement")
    visitor = with_tables(schools=TROUBLED.replace("Fenshire,,Outstanding", "Fenshire,,Inadequate"), needs=needs)
    visitor.make_plan()
    first = visitor.round_id
    visitor.go(TRIAGE)
    visitor.press("Tick all 2")
    assert "Of these, 1 is in the open round already: N2." in visitor.words()
    visitor.press("Add 1 need to the open round")
    assert "1 need is added to the open round." in visitor.words()
    assert visitor.round_id == first
    assert rows(visitor, "needs")["100001-1"]["focus"] == "whole-school improvement"
    assert round_of(visitor).events[-1].kind == "need_added"
    visitor.go(PLAN)
    assert visitor.figure("Needs met").endswith("of 4")
    visitor.press("Undo")
    assert list(rows(visitor, "needs")) == ["N1", "N2", "N3"]
