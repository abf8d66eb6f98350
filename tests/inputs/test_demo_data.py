import runpy
from datetime import date
from pathlib import Path

import pytest

from matching.allocation import allocate
from matching.inputs.inputs import Inputs
from matching.inputs.read import OPTIONAL_TABLES, REQUIRED_TABLES, read_inputs
from matching.plan.write import Plan
from matching.tables.files import open_source
from matching.tables.formats import INSPECTION_COLUMNS, table_formats
from matching.tables.policy import Policy, read_policy
from matching.tables.vocabulary import standard_vocabulary

DATA = Path(__file__).parents[2] / "data"


def inputs_in(folder: Path) -> Inputs:
    sources = {path.stem: open_source(path) for path in sorted(folder.iterdir())}
    return read_inputs(sources, as_at=date(2026, 9, 1))


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return inputs_in(DATA / "demo")


@pytest.fixture(scope="module")
def plan(inputs) -> Plan:
    return allocate(inputs)


def test_the_committed_demo_is_what_the_script_makes():
    made = runpy.run_path(str(DATA / "make_demo.py"))["demo_files"]()
    committed = {path.name: path.read_bytes() for path in (DATA / "demo").iterdir()}
    assert committed == made
    assert all(b"\r" not in content for content in made.values())


def test_the_script_writes_what_it_makes(tmp_path):
    script = runpy.run_path(str(DATA / "make_demo.py"))
    script["main"].__globals__["FOLDER"] = tmp_path / "demo"
    script["main"]()
    assert {path.name: path.read_bytes() for path in (tmp_path / "demo").iterdir()} == script["demo_files"]()


def test_the_demo_reads_without_a_problem_and_without_a_notice(inputs):
    assert inputs.notices == ()
    assert (len(inputs.schools), len(inputs.supporters), len(inputs.needs)) == (120, 45, 90)
    assert inputs.decisions["kind"].value_counts()[["forbid", "declined", "pin"]].min() >= 1


def test_the_demo_shows_every_phase_and_designation(inputs):
    assert set(inputs.schools["phase"]) == set(inputs.vocabulary.phases)
    assert set(inputs.supporters["designation"]) == set(inputs.vocabulary.designations)
    assert inputs.supporters["name"].is_unique
    assert inputs.schools["name"].is_unique
    assert inputs.schools["local_authority"].nunique() == 4


def test_the_demo_policy_is_the_default_but_for_related_specialisms(inputs):
    assert inputs.policy.related_specialisms
    assert inputs.policy.model_copy(update={"related_specialisms": {}}) == Policy()


def test_most_needs_of_the_demo_are_met_and_every_reason_occurs(plan):
    assert plan.manifest["status"] == "optimal"
    assert len(plan.deployments) >= 65
    # The demo has no dates, no packages and no limits on schools.
    assert set(plan.unmet["reason_code"]) == {
        *("none_in_reach", "no_specialism", "no_phase", "too_far", "not_independent", "decided_against"),
        *("too_many_days", "days_used_up", "all_full"),
    }
    assert set(plan.deployments["origin"]) == {"optimised", "pinned"}


def test_the_demo_shows_every_state_of_the_evidence(plan):
    reasons = " ".join(plan.excluded["reason"])
    assert "not evidenced" in reasons
    assert "not met" in reasons
    notices = "\n".join(plan.manifest["notices"])
    assert "due for review" in notices
    assert "S020 met ('Good')" in notices
    assert "S011 not met ('Requires improvement')" in notices


def test_the_templates_hold_every_column_in_order_and_one_row_that_reads():
    formats = table_formats(standard_vocabulary())
    for name in (*REQUIRED_TABLES, *OPTIONAL_TABLES):
        header, *rows = (DATA / "templates" / f"{name}.csv").read_text(encoding="utf-8").splitlines()
        expected = [
            column
            for column in formats[name].column_names
            if column not in {"latitude", "longitude", *INSPECTION_COLUMNS}
        ]
        assert header.split(",") == expected
        assert len(rows) == 1
    assert inputs_in(DATA / "templates").notices == ()


def test_the_policy_template_holds_every_key_at_its_default():
    path = DATA / "templates" / "policy.toml"
    assert read_policy(open_source(path)) == Policy()
    keys = [line.split("=")[0].strip() for line in path.read_text(encoding="utf-8").splitlines() if line[:1].isalpha()]
    assert len(keys) == 11
    rules = {"same_trust", "same_federation"}
    assert {"specialism", "phase", "distance", *rules, "related", "change_cost", "NLE", "LLE", "SLE"} == set(keys)
