"""Verify a saved plan: digests, rules, numbers, proof and what its sentences state, from the files alone.

A plan is verified under the rules of the format that it was written in.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from matching.audit.check import check_plan
from matching.audit.proof import check_proof
from matching.audit.recount import recounted
from matching.audit.wording import cell_faults, compare_wording
from matching.inputs.inputs import Inputs
from matching.plan import earlier_formats
from matching.plan.as_bytes import EQUITY_FILE, SURPLUS_FILE
from matching.plan.equity import EQUITY_COLUMNS
from matching.plan.on_disk import SavedPlan
from matching.plan.write import PLAN_FORMAT
from matching.tables.files import Source

_ABOUT_SCHOOLS = ("ofsted", "links", "columns")


@dataclass(frozen=True)
class Verification:
    """The outcome of verifying a plan, in sentences.

    Attributes
    ----------
    faults : tuple of str
        What is wrong; the plan holds where there is none.
    findings : tuple of str
        What was shown, and cells of the inputs that are read differently today.
    wording : tuple of str
        How the wording differs from this version's, where it states the same.
    """

    faults: tuple[str, ...]
    findings: tuple[str, ...]
    wording: tuple[str, ...] = ()


def verify(saved: SavedPlan, inputs: Inputs, *, time_limit_s: float = 60.0) -> Verification:
    """Verify a saved plan against its inputs.

    Parameters
    ----------
    inputs : Inputs
        Read from the files that it was made from or from its own copies, as at the day in its manifest, in the columns
        of its format (`SavedPlan.columns`).
    time_limit_s : float
        How long to solve again where days or side constraints bind, in seconds.
    """
    faults = [*_file_faults(saved, has_copies=bool(_copies_among(saved, inputs))), *_input_faults(saved, inputs)]
    inputs, findings = _as_of_run(saved, inputs)
    faults += check_plan(saved.plan, inputs)
    if not faults and saved.equity is not None:
        faults = cell_faults(EQUITY_FILE, saved.equity[list(EQUITY_COLUMNS)], recounted(saved.plan, inputs), keys=2)
    if faults:
        return Verification(tuple(faults), tuple(findings))
    faults, shown = check_proof(saved.plan, inputs, time_limit_s=time_limit_s)
    if faults:
        # The sentences follow from the prices, which a faulty proof does not support.
        return Verification(tuple(faults), tuple(findings))
    written = compare_wording(saved, inputs)
    holds = f"Every rule holds for each of the {len(saved.plan.deployments):,} deployments, and every number is right."
    last = "Every sentence states what the rules and the outcome give."
    return Verification(written.faults, (holds, *shown, last, *findings), written.wording)


def sources_for(saved: SavedPlan, given: Mapping[str, Source]) -> Mapping[str, Source]:
    """Return the files to verify against: those given, or the plan's own copies where none was.

    A file that was only renamed since is the same input, so it has the name that the plan's notices use for it. A table
    that was never a file, such as what was decided in a round, is the plan's own.
    """
    if not given:
        return saved.sources
    known: Mapping[str, Mapping[str, str]] = saved.plan.manifest["inputs"]
    own = {name: source for name, source in saved.sources.items() if name not in known}
    return own | {
        name: replace(source, name=known[name]["file"])
        if name in known and source.sha256 in (known[name]["sha256"], _stored(saved).get(name, {}).get("sha256"))
        else source
        for name, source in given.items()
    }


def _stored(saved: SavedPlan) -> Mapping[str, Mapping[str, Any]]:
    stored: Mapping[str, Mapping[str, Any]] = saved.plan.manifest.get("stored", {})
    return stored


def _as_of_run(saved: SavedPlan, inputs: Inputs) -> tuple[Inputs, list[str]]:
    """Return the inputs as the plan's run read them, and a sentence for each cell that is read differently today."""
    if saved.format == 1:
        tables = list(saved.plan.tables().values())
        return earlier_formats.as_read_then(inputs, saved.sources, saved.plan.manifest, tables)
    if saved.format == 2:
        inputs = earlier_formats.with_rules_of_then(inputs)
    if saved.format == 2 or _copies_among(saved, inputs):
        # What the run noticed in the user's files cannot be seen in the copies, and an earlier version noticed less.
        inputs = replace(inputs, notices=tuple(saved.plan.manifest["reading_notices"]))
    return inputs, []


def _copies_among(saved: SavedPlan, inputs: Inputs) -> set[str]:
    """Return the names of the tables that were read from the plan's copies, and are not the user's files as well."""
    given = saved.plan.manifest["inputs"]
    return {
        name
        for name, file in inputs.files.items()
        if file.sha256 == _stored(saved).get(name, {}).get("sha256") != given.get(name, {}).get("sha256")
    }


def _file_faults(saved: SavedPlan, *, has_copies: bool) -> Iterator[str]:
    """Files of the directory that are missing, changed or no part of the plan, and the time when it was written.

    Copies of the inputs may be gone where they are not what it is verified against.
    """
    manifest = saved.plan.manifest
    digests = dict(manifest["outputs"]) | {one["file"]: one["sha256"] for one in _stored(saved).values()}
    for path, digest in digests.items():
        if path not in saved.sha256:
            if has_copies or path in manifest["outputs"]:
                yield f"{path} is missing, and the manifest holds its digest."
        elif saved.sha256[path] != digest:
            yield f"{path} was changed after the plan was written: its digest is not the manifest's."
    tables = [path for path in saved.sha256 if not path.startswith("inputs/")]
    expected = tables if saved.format == 1 else [*tables, EQUITY_FILE, SURPLUS_FILE]
    for path in sorted({*expected} - {*manifest["outputs"]}):
        yield f"manifest.json: it holds no digest of {path}, which is part of a plan."
    for path in saved.strays:
        yield f"{path} is no part of the plan."
    if not _is_time(manifest["written_at"]):
        example = "2026-09-01T09:30:00+00:00"
        yield f"manifest.json: written_at is '{manifest['written_at']}', which is not a time such as {example}."


def _is_time(text: str) -> bool:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return False
    return found.tzinfo is not None and found.isoformat(timespec="seconds") == text


def _input_faults(saved: SavedPlan, inputs: Inputs) -> Iterator[str]:
    """Inputs that are not those of the plan: other files, other numbers of rows, or another policy."""
    manifest, copies = saved.plan.manifest, _copies_among(saved, inputs)
    given: Mapping[str, Mapping[str, object]] = manifest["inputs"]
    for name in sorted({*given, *inputs.files}):
        file = inputs.files.get(name)
        if file is None:
            # The copy of the schools already holds what these files say of them.
            if not (copies and name in _ABOUT_SCHOOLS):
                yield f"The plan was made with a {name} file, and none was given."
            elif given[name]["rows"] is not None:
                yield f"manifest.json: {given[name]['rows']} rows of the {name} file were counted, and it is no table."
        elif name not in given:
            if name not in copies:
                yield f"The plan was made without a {name} file, and one was given."
        elif file.sha256 != given[name]["sha256"] and name not in copies:
            yield f"The {name} file is not the one that the plan was made from: its digest differs."
        elif file.rows != given[name]["rows"]:
            yield f"manifest.json: the {name} file has {file.rows} rows, and {given[name]['rows']} are stated."
    for name, one in _stored(saved).items():
        file = inputs.files.get(name)
        if name in copies and file is not None and file.rows != one["rows"]:
            yield f"manifest.json: {one['file']} has {file.rows} rows, and {one['rows']} are stated."
    stated, used = manifest["policy"], inputs.policy.model_dump(mode="json")
    if stated != used and not (saved.format < PLAN_FORMAT and earlier_formats.is_same_policy(stated, used)):
        yield "manifest.json: the policy is not the one in the policy file."
