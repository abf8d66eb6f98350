"""Decisions put into the inputs of a run as values, and the files that a plan keeps of them."""

from dataclasses import replace
from datetime import UTC, datetime

import pandas as pd
import pytest
from tiny import AS_AT, NEEDS, as_source, decisions, sources

from matching.allocation import allocate
from matching.inputs.read import read_inputs
from matching.plan.stored_inputs import stored_tables
from matching.rounds.history.events import Event
from matching.rounds.history.state import state_of
from matching.rounds.planning.placement_rules import DAYS, PLACES
from matching.rounds.planning.run_inputs import RunInputs, run_inputs
from matching.tables.files import Source

AT = datetime(2026, 9, 14, 22, 30, tzinfo=UTC)


def event(kind: str, need_id: str, supporter_id: str, why: str = "", **about: str) -> Event:
    return Event(0, AT, "Jo", kind, why, {"need_id": need_id, "supporter_id": supporter_id, **about})


def undo(number: int) -> Event:
    return Event(0, AT, "Jo", "undo", "", {}, number)


def run(
    *events: Event, base: str | None = None, plan: dict[str, Source] | None = None, now: dict[str, str] | None = None
) -> RunInputs:
    """Return the inputs after these events, from the files of an earlier plan where given."""
    files = plan or sources(decisions=base)
    state = state_of([replace(one, number=number) for number, one in enumerate(events, start=1)])
    inputs = read_inputs(files, as_at=AS_AT)
    given = sources(decisions=base).get("decisions")
    return run_inputs(inputs, files, given, state, now or {})


def said(found: RunInputs) -> list[tuple[str, str, str]]:
    return list(found.inputs.decisions[["kind", "need_id", "supporter_id"]].itertuples(index=False, name=None))


@pytest.mark.parametrize("base", [None, decisions("forbid,S1,,100000,Governor,Al,2026-05-01", "pin,S3,N2,,,,")])
@pytest.mark.parametrize(
    "events",
    [
        (),
        (event("pin", "N3", "S1", "=1"), event("declined", "N1", "S2", " Too far\r\nto travel ")),
        (event("status", "N2", "S2", status="agreed"), event("forbid", "N2", "S3")),
        (event("swap", "N2", "S2", broken=PLACES), event("swap", "N1", "S2", broken=f"{PLACES};{DAYS};forbidden")),
    ],
)
def test_the_files_that_a_plan_keeps_read_as_the_inputs_that_it_was_made_from(events, base):
    found = run(*events, base=base, now={one.need_id: one.supporter_id for one in events if one.kind == "swap"})
    again = read_inputs(found.sources, as_at=AS_AT)
    for name in ("schools", "supporters", "needs"):
        pd.testing.assert_frame_equal(getattr(found.inputs, name), getattr(again, name))
    ours, theirs = (one.decisions.drop(columns="row").to_dict("records") for one in (found.inputs, again))
    assert ours == theirs
    assert found.inputs.files == again.files


def test_a_plan_keeps_a_decision_about_a_school_as_the_one_row_that_it_counts():
    two_at_one_school = as_source("needs", NEEDS.replace("N2,100001", "N2,100000"))
    files = {**sources(decisions=decisions("forbid,S1,,100000,Governor,Al,2026-05-01")), "needs": two_at_one_school}
    inputs = read_inputs(files, as_at=AS_AT)
    found = run_inputs(inputs, files, files["decisions"], state_of([]), {})
    assert said(found) == [("forbid", "N1", "S1"), ("forbid", "N2", "S1")]
    kept = stored_tables(found.inputs)["decisions"]
    assert kept[["need_id", "school_urn"]].to_numpy().tolist() == [["", "100000"]]
    assert found.inputs.files["decisions"].rows == 1


def test_a_pin_that_was_undone_after_the_plan_is_gone_from_the_next():
    pinned = run(event("pin", "N1", "S1"))
    assert said(pinned) == [("pin", "N1", "S1")]
    undone = run(event("pin", "N1", "S1"), undo(1), plan=dict(pinned.sources))
    assert said(undone) == []
    assert "decisions" not in {*undone.sources, *undone.inputs.files}


def test_a_placement_beyond_places_is_a_pin_that_names_them_and_the_tables_stay_as_they_are():
    swaps = (event("swap", "N1", "S3", broken=PLACES), event("swap", "N2", "S3", broken="places offered;distance"))
    found = run(*swaps, now={"N1": "S3", "N2": "S3"})
    assert found.sources["supporters"] == sources()["supporters"]
    assert found.inputs.decisions["rules_broken"].tolist() == [("places",), ("distance", "places")]
    # Whoever is placed is kept, also where the rule was not named when they were.
    unnamed = run(*(event("pin", one.need_id, one.supporter_id) for one in swaps), now={"N1": "S3", "N2": "S3"})
    assert unnamed.inputs.decisions["rules_broken"].tolist() == [("places",), ("places",)]
    assert unnamed.sources["supporters"] == sources()["supporters"]


def test_all_that_a_person_beyond_their_places_has_is_kept():
    found = run(event("swap", "N2", "S3", broken=PLACES), now={"N1": "S3", "N2": "S3", "N3": "S1"})
    pins = found.inputs.decisions[["need_id", "reason", "rules_broken"]].itertuples(index=False, name=None)
    assert list(pins) == [("N1", "In the accepted plan", ("places",)), ("N2", "", ("places",))]
    broken = allocate(found.inputs).deployments.set_index("need_id")["rules_broken"]
    assert all("places" in one.split(";") for one in broken.loc[["N1", "N2"]])


def test_a_placement_against_a_decline_of_the_table_leaves_the_decline_there():
    base = decisions("declined,S1,N1,,No time,,")
    found = run(event("swap", "N1", "S1", broken="declined;days"), base=base, now={"N1": "S1"})
    assert said(found) == [("declined", "N1", "S1"), ("pin", "N1", "S1")]
    assert found.inputs.decisions["rules_broken"].tolist() == [(), ("days", "declined")]
