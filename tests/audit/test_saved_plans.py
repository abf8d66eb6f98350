"""Plans of earlier versions: each is verified under the rules of its own format."""

import csv
import hashlib
import io
import json
from pathlib import Path

import pytest
from depth import mostly_long

from matching.allocation import allocate
from matching.audit.verify import verify
from matching.inputs.read import read_inputs
from matching.plan.on_disk import SavedPlan, read_directory, read_files, saved_inputs

SAVED = Path(__file__).parents[1] / "saved_plans"
PLANS = sorted(path.parent for path in SAVED.glob("*/*/manifest.json"))


def faults_of(saved: SavedPlan) -> tuple[str, ...]:
    return verify(saved, read_inputs(saved.sources, as_at=saved.as_at, columns=saved.columns)).faults


@pytest.mark.parametrize("directory", mostly_long(PLANS, every=2), ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_plan_of_an_earlier_version_holds(directory):
    assert faults_of(read_directory(directory)) == ()


def test_format_2_compared_trusts_by_their_letters_and_knew_no_federations():
    saved = read_directory(SAVED / "c6dc931" / "trusts")
    served = saved.plan.deployments.set_index("need_id")["supporter_id"]
    # Oak Trust and OAK TRUST were two trusts then, and N/A was one.
    assert served["N04"] == "S01"
    assert served["N02"] == "S01"
    then = saved_inputs(saved)
    assert {*then.schools["trust"]} >= {"N/A", "OAK TRUST", "Oak Trust"}
    again = allocate(then)
    assert again.deployments["supporter_id"].tolist() == served.tolist()
    today = allocate(read_inputs(saved.sources, as_at=saved.as_at))
    assert today.deployments["supporter_id"].tolist() != served.tolist()


def with_column(content: bytes, name: str, cell: str) -> bytes:
    """A table with one more column, which has the same cell in every row."""
    header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([[*header, name], *([*row, cell] for row in rows)])
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("table", "column", "cell"),
    [
        ("schools", "federation", "One federation"),
        ("schools", "trust_code", "17"),
        ("needs", "state", "withdrawn"),
        ("needs", "state", "Staffordshire"),
        ("supporters", "available_until", "2020-01-01"),
        ("supporters", "unavailable", "Wednesdays"),
        ("decisions", "rules_broken", "none"),
    ],
)
def test_columns_that_came_later_are_unread_in_format_1(table, column, cell):
    directory = SAVED / "3740759" / "days"
    files = {path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*.*")}
    path = f"inputs/{table}.csv"
    files[path] = with_column(files[path], column, cell)
    manifest = json.loads(files["manifest.json"])
    digest = hashlib.sha256(files[path]).hexdigest()
    manifest["inputs"][table]["sha256"] = digest
    manifest["outputs"] = {name: digest if name == path else one for name, one in manifest["outputs"].items()}
    assert faults_of(read_files(files | {"manifest.json": json.dumps(manifest).encode()})) == ()
