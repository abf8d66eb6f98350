"""The library: the commands' steps on DataFrames, and the examples of its page and its notebook."""

import dataclasses
import doctest
import json
import re
import shutil
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from depth import cases
from hypothesis import given
from hypothesis import strategies as st
from tiny import AS_AT, EVIDENCE_HEADER, NEEDS, SCHOOLS, SUPPORTERS, decisions, frame_of

import matching as m
from matching.cli import main

DOCS = Path(__file__).parents[1] / "docs"
DEMO = Path(__file__).parents[1] / "data" / "demo"
TABLES = {"schools": SCHOOLS, "supporters": SUPPORTERS, "needs": NEEDS}
NUMBERS = {"schools": ["urn", "easting", "northing"], "supporters": ["school_urn"], "needs": ["school_urn"]}


def frames(**changed: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tiny round as pandas reads it, with some of its tables changed."""
    return {name: frame_of(text) for name, text in TABLES.items()} | changed


def as_bytes(**changed: str) -> dict[str, bytes]:
    return {name: text.encode() for name, text in (TABLES | changed).items()}


def plan_of(**tables: object) -> m.Plan:
    return m.allocate(m.read_inputs(**frames() | tables, as_at=AS_AT))


def problems_of(**tables: object) -> m.DataError:
    with pytest.raises(m.DataError) as caught:
        m.read_inputs(**frames() | tables, as_at=AS_AT)
    return caught.value


# What is given


@pytest.mark.parametrize("as_at", [pd.Timestamp(AS_AT), datetime(AS_AT.year, AS_AT.month, AS_AT.day, 23, 59)])
def test_a_day_may_have_a_time(as_at):
    inputs = m.read_inputs(**frames(), as_at=as_at)
    assert type(inputs.as_at) is date
    assert m.allocate(inputs).manifest["as_at"] == plan_of().manifest["as_at"]


@pytest.mark.parametrize("as_at", ["2026-09-01", 20260901])
def test_what_is_no_day_is_a_problem(as_at):
    with pytest.raises(m.DataError, match="is not a date"):
        m.read_inputs(**frames(), as_at=as_at)


def test_what_is_no_table_is_refused_by_its_name():
    with pytest.raises(TypeError, match="needs is a dict, and a path, bytes or a DataFrame is taken"):
        m.read_inputs(**frames() | {"needs": {"need_id": ["N1"]}}, as_at=AS_AT)


def test_a_changed_manifest_does_not_change_the_plan(tmp_path):
    plan = plan_of()
    plan.manifest["policy"].clear()
    plan.save(tmp_path / "plan")
    assert m.verify(m.open_plan(tmp_path / "plan")).holds


def test_lists_in_arrays_are_read_as_lists():
    supporters = frames()["supporters"]
    cells = supporters["specialisms"].fillna("")
    supporters["specialisms"] = [np.array(cell.split(";"), dtype=object) for cell in cells]
    assert plan_of(supporters=supporters).manifest["inputs"] == plan_of().manifest["inputs"]


# What is there


def test_every_name_is_there_and_nothing_is_loaded_before_it_is_used():
    code = """
import sys
import matching
loaded = [name for name in ("numpy", "pandas", "pydantic", "scipy", "typer") if name in sys.modules]
assert loaded == [], loaded
assert set(matching.__all__) <= set(dir(matching))
from matching.pairs.market import open_market
assert not any(type(getattr(matching, name)).__name__ == "module" for name in matching.__all__)
from matching import pairs
assert pairs is matching.pairs
try:
    matching.pears
except AttributeError as error:
    print(error)
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], check=False, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr) == ("module 'matching' has no attribute 'pears'\n", "")


def test_every_function_is_documented_and_typed():
    for name in m.__all__:
        one = getattr(m, name)
        assert one.__doc__, name
        if not isinstance(one, type):
            assert "return" in one.__annotations__, name


@pytest.mark.skipif(not DEMO.is_dir(), reason="the demo area is not there")
def test_the_examples_of_the_page_are_true(tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(DEMO, tmp_path / "demo"))
    text = (DOCS / "library.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    told: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    runner.run(doctest.DocTestParser().get_doctest(code, {}, "library.md", None, 0), out=told.append)
    assert "".join(told) == ""
    assert runner.tries > 20


@pytest.mark.skipif(not DEMO.is_dir(), reason="the demo area is not there")
def test_the_notebook_goes_from_tables_to_a_saved_plan(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(shutil.copytree(DEMO, tmp_path / "demo"))
    notebook = json.loads((DOCS / "library.ipynb").read_text(encoding="utf-8"))
    code = "\n".join("".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code")
    assert len([line for line in code.splitlines() if line]) <= 12
    assert all(cell.get("outputs", []) == [] for cell in notebook["cells"])
    known: dict[str, object] = {}
    exec(compile(code, "library.ipynb", "exec"), known)
    assert len(capsys.readouterr().out.splitlines()) > 2
    assert m.verify(m.open_plan("plan")).holds
    assert m.open_plan("plan").deployments.equals(known["rerun"].deployments)


# Tables in


def test_frames_bytes_and_paths_give_the_same_inputs(tmp_path):
    paths = {name: tmp_path / f"{name}.csv" for name in TABLES}
    for name, path in paths.items():
        path.write_text(TABLES[name], encoding="utf-8")
    kinds = [frames(), as_bytes(), paths, {name: str(path) for name, path in paths.items()}]
    read = [m.read_inputs(**tables, as_at=AS_AT) for tables in kinds]
    for other in read[1:]:
        for name in ("schools", "supporters", "needs"):
            pd.testing.assert_frame_equal(
                getattr(other, name).drop(columns="row"), getattr(read[0], name).drop(columns="row")
            )


@pytest.mark.parametrize("urn", [100000, 100000.0, "100000", np.int32(100000), np.float64(100000), " 100000 "])
def test_a_urn_may_be_a_number_or_text(urn):
    needs = frames()["needs"].astype(object)
    needs.loc[0, "school_urn"] = urn
    assert plan_of(needs=needs).deployments.equals(plan_of().deployments)


def test_cells_may_be_lists_dates_booleans_and_any_kind_of_missing_value():
    supporters = (
        frames()["supporters"]
        .astype(object)
        .assign(
            phases=[["Primary", "Secondary"], ("Primary",), {"Secondary"}],
            max_distance_km=[None, np.nan, pd.NA],
            available_from=[pd.Timestamp("2026-01-31"), date(2026, 1, 31), datetime(2026, 1, 31)],
            available_until=[pd.NaT, "", None],
            days_available=[0.1 + 4.9, np.nan, 30],
        )
    )
    evidence = frame_of(EVIDENCE_HEADER + "S1,SLE-1,,,\nS1,SLE-2,,,\n").astype(object)
    evidence["met"] = [True, np.bool_(False)]
    inputs = m.read_inputs(**frames(supporters=supporters), accreditation=evidence, as_at=AS_AT)
    assert inputs.supporters["phases"].tolist() == [("Primary", "Secondary"), ("Primary",), ("Secondary",)]
    assert set(inputs.supporters["available_from"]) == {date(2026, 1, 31)}
    assert inputs.supporters["days_available"].tolist() == [5, np.inf, 30]
    assert inputs.accreditation["met"].tolist() == ["yes", "no"]


def test_every_table_may_be_a_frame_and_headers_may_be_the_users_own():
    given = {
        "needs": frames()["needs"].rename(columns={"need_id": "Ref"}).assign(Comments="as before"),
        "decisions": frame_of(decisions("pin,S3,N2,,asked for,Pat,2026-08-01")),
        "policy": m.Policy(weights={"distance": 0.5}),
        "columns": {"needs": {"Ref": "need_id", "Comments": ""}},
    }
    plan = plan_of(**given)
    assert plan.deployments.set_index("need_id").loc["N2", ["supporter_id", "origin"]].tolist() == ["S3", "pinned"]
    assert plan.manifest["policy"]["weights"]["distance"] == 0.5
    baseline = plan.deployments[["need_id", "supporter_id"]]
    for earlier in (plan, baseline):
        rerun = plan_of(baseline=earlier)
        assert rerun.deployments["origin"].tolist() == ["kept", "optimised", "kept"]
        assert (rerun.score, rerun.kept_bonus) == (plan_of().score, 0.2)
    assert m.verify(rerun).holds


# Problems


def test_the_problems_of_frames_name_the_table_and_the_label_of_the_row():
    needs = frames()["needs"].set_index(pd.Index(["first", "second", "third"])).astype(object)
    needs.loc["second", "focus"] = np.nan
    needs.loc["third", "need_id"] = "N1"
    needs.loc["first", "school_urn"] = 100000.5
    supporters = frames()["supporters"].set_index(pd.Index([7, 8, 7])).astype(object)
    supporters.iloc[2, 2] = 5
    schools = frames()["schools"].drop(columns="phase")
    error = problems_of(needs=needs, supporters=supporters, schools=schools)
    assert str(error).splitlines() == [
        "needs row first, school_urn: '100000.5' is not a URN. Did you mean '100000'?",
        "needs row second, focus: The cell is blank. Fill it in: what the need is about.",
        "needs row third, need_id: 'N1' is already in row first. Keep one of the two rows.",
        "schools row 1, phase: The column 'phase' is missing. Add it; the schools template shows every column.",
        "supporters row 7 (position 2), designation: '5' is not a known designation. Known are: NLE, LLE, SLE.",
    ]
    assert error.table[["table", "row", "column", "value"]].values.tolist() == [
        ["needs", "first", "school_urn", "100000.5"],
        ["needs", "second", "focus", ""],
        ["needs", "third", "need_id", "N1"],
        ["schools", 1, "phase", ""],
        ["supporters", "7 (position 2)", "designation", "5"],
    ]
    assert all(isinstance(one, m.Problem) for one in error.problems)


def test_files_that_are_not_there_are_problems_together():
    error = problems_of(needs="gone.csv", policy=Path("nowhere.toml"))
    assert error.table["table"].tolist() == ["gone.csv", "nowhere.toml"]


def test_a_policy_that_cannot_be_used_is_a_problem():
    with pytest.raises(
        m.DataError, match=r"^policy, column weights\.distnce: This key is not known\. Did you mean 'distance'\?$"
    ):
        m.Policy(weights={"distnce": 1})
    assert m.Policy(related_specialisms={"maths": ["science"]}).related_specialisms == {"maths": ("science",)}


def test_rows_left_out_are_named_by_their_labels():
    needs = frames()["needs"].set_index(pd.Index(list("abc")))
    needs.loc["b", "focus"] = "maffs"
    inputs = m.read_inputs(**frames(needs=needs), leave_out=True, as_at=AS_AT)
    assert plan_of(needs=frames()["needs"].set_index(["school_urn", "need_id"])).deployments.equals(
        plan_of().deployments
    )
    assert "needs: 1 row of 3 left out on request, 2 used: row b (focus)." in inputs.notices


@cases(25)
@given(data=st.data())
def test_a_fault_in_a_frame_is_the_fault_of_the_same_file(data):
    name = data.draw(st.sampled_from(sorted(TABLES)))
    table = frames()[name].astype(object)
    for _ in range(data.draw(st.integers(1, 3))):
        row, column = (data.draw(st.integers(0, size - 1)) for size in table.shape)
        table.iloc[row, column] = data.draw(
            st.sampled_from(
                [np.nan, "", "x", -1, 1.5, 1e9, "100001", "N1", "a\nb", 'a"b', "Ü", pd.Timestamp("2026-01-01")]
            )
        )
    labels = data.draw(st.permutations(range(10, 10 + len(table))))
    told = []
    for given_as in (
        table.set_index(pd.Index(labels)),
        table.to_csv(index=False).replace("1000000000.0", "1000000000").encode(),
    ):
        try:
            m.read_inputs(**frames() | {name: given_as}, as_at=AS_AT)
            told.append(set())
        except m.DataError as error:
            told.append(
                {
                    (one.table, one.row, one.column, one.message if "already" not in one.message else "", one.fix)
                    for one in error.problems
                }
            )
    row_of = {place: place + 2 for place in range(len(table))}
    of_frame = {
        (table_, row_of.get(row, row) if isinstance(row, int) and hasattr(row, "label") else row, *rest)
        for table_, row, *rest in told[0]
    }
    assert of_frame == told[1]


# Results


def test_a_plan_holds_numbers_and_identifiers_and_is_frozen():
    plan = plan_of()
    assert plan.deployments["school_urn"].tolist() == ["100000", "100001", "100002"]
    for table, columns in (
        (plan.deployments, ["days", "distance_km", "score", "specialism_fit", "phase_fit", "distance_fit"]),
        (plan.workload, ["deployments", "max_deployments", "days_used", "days_available"]),
        (plan.equity, ["needs", "met", "mean_score"]),
        (plan.objective, ["value", "bound"]),
        (m.explain(plan, "N1").candidates, ["distance_km", "score"]),
        (m.compare(plan, plan_of(needs=frames()["needs"].iloc[:2])).changes, ["score_before", "score_after"]),
        (m.pairs(plan.inputs), ["score", "distance_km"]),
    ):
        assert all(pd.api.types.is_numeric_dtype(table[column]) for column in columns)
    assert plan.workload["days_available"].isna().tolist() == [False, True, True]
    with pytest.raises(dataclasses.FrozenInstanceError):
        plan.inputs = None
    table = plan.deployments
    table["score"] = 0
    table.loc[0, "supporter_id"] = "S9"
    assert plan.deployments["supporter_id"].tolist() == plan.written.deployments["supporter_id"].tolist()
    assert repr(plan) == "<Plan: 3 of 3 needs met, optimal>"
    assert plan.score == round(plan.deployments["score"].sum(), 3) == plan.objective["value"].iloc[-1]


def test_pairs_are_those_of_the_rules_with_their_scores():
    plan = plan_of()
    found = m.pairs(plan.inputs).set_index(["need_id", "supporter_id"])
    chosen = plan.deployments.set_index(["need_id", "supporter_id"])
    assert found.index.is_unique
    assert found.loc[chosen.index, "score"].tolist() == chosen["score"].tolist()


def test_a_saved_plan_is_what_the_command_writes(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = []
    for name, text in TABLES.items():
        Path(f"{name}.csv").write_text(text, encoding="utf-8")
        words += [f"--{name}", f"{name}.csv"]
    monkeypatch.setattr(sys, "argv", ["s2s", "allocate", *words, "--as-at", AS_AT.isoformat(), "--out", "by command"])
    with pytest.raises(SystemExit):
        main()
    plan = m.allocate(m.read_inputs(**{name: f"{name}.csv" for name in TABLES}, as_at=AS_AT))
    plan.save("by library")
    m.open_plan("by library").save("again")
    m.allocate(m.read_inputs(**frames(), as_at=AS_AT)).save("of frames")
    held = [files_of(Path(name)) for name in ("by command", "by library", "again", "of frames")]
    manifests = [json.loads(files.pop("manifest.json")) for files in held]
    assert held[0] == held[1] == held[2] == held[3]
    for manifest in manifests:
        del manifest["timings"], manifest["written_at"]
    assert manifests[0] == manifests[1] == manifests[2]


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_plan_that_was_changed_does_not_hold(tmp_path):
    plan = plan_of()
    assert m.verify(plan).holds
    plan.save(tmp_path / "plan")
    path = tmp_path / "plan" / "plan.csv"
    path.write_bytes(path.read_bytes().replace(b"Ann Ash", b"Ann Oak"))
    found = m.verify(m.open_plan(tmp_path / "plan"))
    assert not found.holds
    assert "plan.csv was changed after the plan was written: its digest is not the manifest's." in found.faults


def test_a_plan_without_its_inputs_is_not_opened(tmp_path):
    plan_of().save(tmp_path / "plan")
    shutil.rmtree(tmp_path / "plan" / "inputs")
    with pytest.raises(m.DataError, match="does not hold the inputs that it was made from"):
        m.open_plan(tmp_path / "plan")
    with pytest.raises(m.DataError, match="There is no plan here"):
        m.open_plan(tmp_path)


def test_questions_are_answered_as_by_the_commands():
    plan = plan_of()
    assert m.explain(plan, "N1").headline == "N1: maths at Alder School (Primary), high priority, 2 days"
    assert "- works at this school." in m.explain(plan, "N1", "S2").sentences
    assert m.why_not(plan, "N2", "S2").sentences[1] == "Nothing would change."
    forced = m.why_not(plan, "N2", "S3", force=True)
    assert forced.solved
    assert forced.levels["difference"].tolist()[:3] == [0, 0, 0]
    with pytest.raises(m.DataError, match="Did you mean 'N1'"):
        m.explain(plan, "N11")
    listed = m.triage(frames()["schools"].assign(ofsted=["Good", "Inadequate", ""]), as_at=AS_AT)
    assert listed[["rank", "urn"]].values.tolist() == [[1, "100001"]]
