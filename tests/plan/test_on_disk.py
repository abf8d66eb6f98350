"""A plan's directory: whole or not at all, whatever happens while it is written."""

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from worlds import solved

from matching.audit.verify import verify
from matching.errors import DataError
from matching.plan.as_bytes import plan_files
from matching.plan.equity import equity
from matching.plan.on_disk import read_directory, write_directory, write_file
from matching.tables.csv_out import csv_bytes

PLAN = {"manifest.json": b"old", "plan.csv": b"old", "inputs/needs.csv": b"old"}
NEW = dict.fromkeys([*PLAN, "unmet.csv"], b"new")


def held(directory: Path) -> dict[str, bytes]:
    return {p.relative_to(directory).as_posix(): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_files_are_written_and_replaced_whole(tmp_path):
    target = tmp_path / "a" / "plan"
    write_directory(target, PLAN)
    assert held(target) == PLAN
    write_directory(target, {"manifest.json": b"new"})
    assert held(tmp_path) == {"a/plan/manifest.json": b"new"}
    assert [p.name for p in target.parent.iterdir()] == ["plan"]


def test_an_empty_directory_may_be_named(tmp_path):
    write_directory(tmp_path, PLAN)
    assert held(tmp_path) == PLAN


def test_a_saved_plan_reads_back_the_same(tmp_path):
    one = solved(2)
    write_directory(tmp_path / "plan", plan_files(one.plan, one.made.sources()))
    saved = read_directory(tmp_path / "plan")
    for name, frame in one.plan.tables().items():
        assert saved.plan.tables()[name].to_numpy().tolist() == frame.to_numpy().tolist()
    assert {name: s.content for name, s in saved.sources.items()} == {
        name: s.content for name, s in one.made.sources().items()
    }


def test_a_saved_plan_has_its_equity_and_one_of_an_older_version_has_none(tmp_path):
    one = solved(2)
    table = equity(one.plan, one.inputs)
    write_directory(tmp_path / "new", plan_files(one.plan, one.made.sources(), equity=table))
    write_directory(tmp_path / "old", plan_files(one.plan, one.made.sources()))
    new, old = read_directory(tmp_path / "new"), read_directory(tmp_path / "old")
    assert new.equity.to_numpy().tolist() == table.to_numpy().tolist()
    assert old.equity is None
    for saved in (new, old):
        assert verify(saved, one.inputs).faults == ()


def test_equity_that_is_wrong_changed_or_gone_is_found(tmp_path):
    one = solved(2)
    table = equity(one.plan, one.inputs)
    table.loc[0, "met"] = "99"
    path = tmp_path / "plan" / "equity.csv"
    write_directory(tmp_path / "plan", plan_files(one.plan, one.made.sources(), equity=table))
    met = len(one.plan.deployments)
    assert verify(read_directory(path.parent), one.inputs).faults == (
        f"equity.csv total, all needs: met is '99', and '{met}' was expected.",
    )
    path.write_bytes(csv_bytes(table.assign(met="1")))
    assert verify(read_directory(path.parent), one.inputs).faults == (
        "equity.csv was changed after the plan was written: its digest is not the manifest's.",
    )
    path.write_bytes(csv_bytes(table[["by", "group"]]))
    with pytest.raises(DataError, match=r"equity\.csv row 1: The columns are not those of a plan"):
        read_directory(path.parent)
    path.unlink()
    assert verify(read_directory(path.parent), one.inputs).faults == (
        "equity.csv is missing, and the manifest holds its digest.",
    )


def test_a_plan_of_a_version_without_surpluses_is_read_and_verified(tmp_path):
    one = solved(2)
    write_directory(tmp_path / "new", plan_files(one.plan, one.made.sources()))
    write_directory(tmp_path / "old", plan_files(replace(one.plan, surplus=None), one.made.sources()))
    new, old = read_directory(tmp_path / "new"), read_directory(tmp_path / "old")
    assert new.plan.surplus.to_numpy().tolist() == one.plan.surplus.to_numpy().tolist()
    assert old.plan.surplus is None
    for saved in (new, old):
        assert verify(saved, one.inputs).faults == ()


@pytest.mark.parametrize("names", [["notes.txt"], ["plan.csv"], [".hidden"], ["manifest.json/x"]])
def test_a_directory_with_other_files_is_refused_and_left_alone(tmp_path, names):
    for name in names:
        write_file(tmp_path / name, b"mine")
    before = held(tmp_path)
    with pytest.raises(DataError, match="holds other files"):
        write_directory(tmp_path, NEW)
    assert held(tmp_path) == before


def test_a_file_is_refused(tmp_path):
    (tmp_path / "plan").write_bytes(b"mine")
    with pytest.raises(DataError, match="This is a file"):
        write_directory(tmp_path / "plan", NEW)
    with pytest.raises(DataError):
        write_directory(tmp_path / "plan" / "below", NEW)
    assert held(tmp_path) == {"plan": b"mine"}


def test_the_old_plan_stays_when_a_file_cannot_be_written(tmp_path):
    write_directory(tmp_path / "plan", PLAN)
    with pytest.raises(DataError, match="cannot be written"):
        write_directory(tmp_path / "plan", NEW | {"x" * 300: b"new"})
    assert held(tmp_path) == {f"plan/{name}": content for name, content in PLAN.items()}


@pytest.mark.parametrize("good", range(4))
def test_the_old_plan_stays_when_the_disk_is_full(tmp_path, monkeypatch, good):
    write_directory(tmp_path / "plan", PLAN)
    calls = iter(range(100))

    def fsync(descriptor):
        if next(calls) >= good:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(DataError, match="no space left"):
        write_directory(tmp_path / "plan", NEW)
    assert held(tmp_path) == {f"plan/{name}": content for name, content in PLAN.items()}


def test_the_old_file_stays_when_a_new_one_cannot_be_written(tmp_path, monkeypatch):
    write_file(tmp_path / "one", b"old")

    def fsync(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space"):
        write_file(tmp_path / "one", b"new")
    assert held(tmp_path) == {"one": b"old"}


def test_no_plan_there_is_said(tmp_path):
    with pytest.raises(DataError, match=r"manifest\.json is missing"):
        read_directory(tmp_path)


WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from matching.plan.on_disk import write_directory

target, number = Path(sys.argv[1]), 0
while True:
    number += 1
    names = ["manifest.json", *(f"inputs/{k}" for k in range(12))]
    write_directory(target, dict.fromkeys(names, str(number).encode() * 5000))
    if number == 1:
        print("begun", flush=True)
"""


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="needs an atomic exchange of directories")
@pytest.mark.parametrize("seed", range(10))
def test_a_writer_that_is_killed_leaves_one_whole_plan(tmp_path, seed):
    target = tmp_path / "plan"
    with subprocess.Popen([sys.executable, "-c", WRITER, str(target)], stdout=subprocess.PIPE) as writer:
        try:
            assert writer.stdout.readline() == b"begun\n"
            time.sleep(random.Random(seed).uniform(0, 0.1))
        finally:
            writer.send_signal(signal.SIGKILL)
    found = held(target)
    assert len(found) == 13
    assert len(set(found.values())) == 1
    write_directory(target, NEW)
    assert held(target) == NEW
