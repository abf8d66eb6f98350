"""The commands. Each reads as one sentence; what they do is the business of the rooms that they call.

A room that one command alone needs is imported there, so that no other command waits for it.
"""

import gc
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from matching.accreditation import changes, touched
from matching.allocation import allocate as make_best_plan
from matching.errors import DataError, Problem, counted
from matching.inputs.bundled import demo_sources
from matching.inputs.gias import left_out_counts, read_official
from matching.inputs.headers import options_source, read_options
from matching.inputs.read import Inputs, read_inputs, read_people, read_schools
from matching.pairs.market import open_market
from matching.plan.as_bytes import csv_bytes, plan_files
from matching.plan.directories import check_target, write_directory, write_file
from matching.plan.on_disk import SavedPlan, read_directory, saved_inputs
from matching.solve.budget import is_search_left
from matching.tables.files import Source, open_source
from matching.tables.formats import schools_as_text
from matching.tables.vocabulary import standard_vocabulary

app = typer.Typer(
    name="s2s",
    help="Decide which accredited leader supports which school, and be able to say why.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Schools = Annotated[Path, typer.Option(help="schools.csv or .xlsx, or a GIAS extract")]
Supporters = Annotated[Path, typer.Option(help="supporters.csv or .xlsx")]
Needs = Annotated[Path, typer.Option(help="needs.csv or .xlsx")]
Accreditation = Annotated[Path | None, typer.Option(help="accreditation.csv or .xlsx")]
Decisions = Annotated[Path | None, typer.Option(help="decisions.csv or .xlsx")]
Ofsted = Annotated[Path | None, typer.Option(help="Ofsted's management information, where the schools are GIAS's")]
LinksFile = Annotated[Path | None, typer.Option("--links", help="GIAS links file: old URNs become their successors'")]
Columns = Annotated[Path | None, typer.Option(help="columns.toml: which of your headers is which of our columns")]
LeaveOut = Annotated[bool, typer.Option("--leave-out", help="leave faulty rows out, and say which")]
PolicyFile = Annotated[Path | None, typer.Option("--policy", help="policy.toml")]
Baseline = Annotated[Path | None, typer.Option(help="directory of an earlier plan, to change as little as possible")]
AsAt = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day on which evidence is judged; today if not given")
]
_ENDED = {
    "": "The round is too large for the last step of a proof",
    "time limit": "Time ran out before it was proved the best",
    "cancelled": "It was stopped before it was proved the best",
}
_VALUES_BETWEEN_COLLECTIONS = 100_000
MADE_UP_MARK = "made-up.txt"
TRIAGE_MARK = "triage.csv"

PlanOut = Annotated[Path, typer.Option("--out", help="directory for the plan")]
Seconds = Annotated[float, typer.Option(min=0.1, help="how long to search where days or ties bind, in seconds")]
PlanDir = Annotated[Path, typer.Argument(help="directory of a plan")]
OneNeed = Annotated[str, typer.Option(help="identifier of the need")]


def main() -> None:
    """Run the command line; exit 2 with every problem listed where the input is wrong."""
    for stream in (sys.stdout, sys.stderr):
        # A console of another alphabet shows a question mark for a letter of a name, and the command goes on.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        _run()
    except SystemExit as leaving:
        if is_search_left():
            # A solver that was slow to end cannot be stopped, and aborts a process that is taken down around it.
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            os._exit(leaving.code if isinstance(leaving.code, int) else 0)
        raise
    finally:
        # All of it goes with the process: Python need not look through it once more on the way out.
        gc.freeze()


def _run() -> None:
    try:
        app()
    except DataError as error:
        for problem in error.problems:
            typer.echo(str(problem), err=True)
        count = len(error.problems)
        typer.echo(f"{count} problem{'' if count == 1 else 's'} found; nothing was written.", err=True)
        sys.exit(2)


@app.command()
def schools(
    gias: Annotated[Path, typer.Option(help="GIAS extract: .csv, .csv.gz or .zip as downloaded")],
    out: Annotated[Path, typer.Option(help="schools.csv to write")],
    ofsted: Annotated[Path | None, typer.Option(help="Ofsted's management information")] = None,
    links: Annotated[Path | None, typer.Option(help="GIAS links file: grades of predecessors")] = None,
) -> None:
    """Make a schools table from the official GIAS extract."""
    sources = _opened({"gias": gias, "ofsted": ofsted, "links": links})
    official = read_official(
        sources["gias"], standard_vocabulary(), ofsted=sources.get("ofsted"), links=sources.get("links")
    )
    _write_file(out, csv_bytes(schools_as_text(official.table.frame)))
    typer.echo(f"{len(official.table.frame):,} schools written to {out}.")
    for row in left_out_counts(official.left_out).itertuples():
        typer.echo(f"{row.count:,} left out: {row.reason}.")
    _say(official.notices[1:])


@app.command()
def check(
    schools: Schools,
    supporters: Supporters,
    needs: Needs,
    accreditation: Accreditation = None,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    ofsted: Ofsted = None,
    links: LinksFile = None,
    columns: Columns = None,
    leave_out: LeaveOut = False,
    as_at: AsAt = None,
) -> None:
    """Check the tables, and list every problem."""
    about = _about(ofsted, links, columns, leave_out)
    inputs = _read(_sources(schools, supporters, needs, accreditation, decisions, policy) | about, as_at)
    market = open_market(inputs)
    eligible = market.eligible_by_need
    lonely = int((eligible == 0).sum())
    typer.echo(
        f"No problem found: {counted(len(inputs.schools), 'school')}, {counted(len(inputs.supporters), 'supporter')}, "
        f"{counted(len(inputs.needs), 'need')}."
    )
    out_of_it = int((~market.rulebook.available).sum())
    typer.echo(
        f"{counted(out_of_it, 'supporter')} cannot be deployed; "
        f"{counted(int(eligible.sum()), 'pair is', 'pairs are')} eligible."
    )
    typer.echo(f"{counted(lonely, 'need has', 'needs have')} nobody who is eligible.")
    _say([*inputs.notices, *market.verdicts.notices])


@app.command()
def allocate(
    schools: Schools,
    supporters: Supporters,
    needs: Needs,
    out: PlanOut,
    accreditation: Accreditation = None,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    baseline: Baseline = None,
    ofsted: Ofsted = None,
    links: LinksFile = None,
    columns: Columns = None,
    leave_out: LeaveOut = False,
    as_at: AsAt = None,
    time_limit: Seconds = 60.0,
) -> None:
    """Make the best plan, and write it whole or not at all."""
    check_target(out)
    sources = _sources(schools, supporters, needs, accreditation, decisions, policy, baseline)
    _allocate_to(out, sources | _about(ofsted, links, columns, leave_out), as_at, time_limit)


@app.command()
def verify(
    plan_dir: PlanDir,
    schools: Annotated[Path | None, typer.Option(help="as given to allocate; the plan's own copy if not given")] = None,
    supporters: Annotated[Path | None, typer.Option()] = None,
    needs: Annotated[Path | None, typer.Option()] = None,
    accreditation: Accreditation = None,
    decisions: Decisions = None,
    policy: PolicyFile = None,
    baseline: Baseline = None,
    ofsted: Ofsted = None,
    links: LinksFile = None,
    columns: Columns = None,
    leave_out: LeaveOut = False,
    time_limit: Seconds = 60.0,
) -> None:
    """Check every rule, number, reason and the proof of a plan, independently of how it was made."""
    from matching.audit.verify import sources_for  # noqa: PLC0415
    from matching.audit.verify import verify as verify_plan  # noqa: PLC0415

    saved = read_directory(plan_dir)
    given = _sources(schools, supporters, needs, accreditation, decisions, policy, baseline)
    given |= _about(ofsted, links, columns, leave_out)
    inputs = _read(sources_for(saved, given), datetime.fromisoformat(saved.plan.manifest["as_at"]))
    with _progress() as tell:
        tell("Verifying")
        verification = verify_plan(saved, inputs, time_limit_s=time_limit)
    for fault in verification.faults:
        typer.echo(fault, err=True)
    if verification.faults:
        count = len(verification.faults)
        typer.echo(f"The plan does not hold: {count} fault{'' if count == 1 else 's'}.", err=True)
        raise typer.Exit(3)
    for finding in (*verification.findings, *verification.wording):
        typer.echo(finding)
    typer.echo("The plan holds.")


@app.command()
def explain(
    plan_dir: PlanDir,
    need: OneNeed,
    supporter: Annotated[str | None, typer.Option(help="why not this person? their identifier")] = None,
) -> None:
    """Tell why a need has whom it has, who else could have served it, and why not a person you name."""
    from matching.whatif.explain import explain_need, explain_pair  # noqa: PLC0415

    saved = read_directory(plan_dir)
    market = open_market(_inputs_of(saved))
    if supporter is None:
        answer = explain_need(market, saved.plan, need)
    else:
        answer = explain_pair(market, saved.plan, need, supporter)
    typer.echo(answer.headline)
    for sentence in answer.sentences:
        typer.echo(sentence)
    if len(answer.candidates):
        typer.echo("\nEverybody eligible, best score first:")
        typer.echo(answer.candidates.to_string(index=False))


@app.command()
def triage(
    out: Annotated[Path, typer.Option(help="directory for triage.csv and needs.csv")],
    gias: Annotated[Path | None, typer.Option(help="GIAS extract, or else --schools")] = None,
    schools: Annotated[Path | None, typer.Option(help="schools.csv as written by s2s schools")] = None,
    ofsted: Annotated[Path | None, typer.Option(help="Ofsted's management information")] = None,
    links: Annotated[Path | None, typer.Option(help="GIAS links file: grades of predecessors")] = None,
    attainment: Annotated[Path | None, typer.Option(help="performance table with URN, P8MEA, PTRWM_EXP …")] = None,
    local_authority: Annotated[str | None, typer.Option(help="only schools of this local authority")] = None,
    as_at: AsAt = None,
) -> None:
    """List schools in challenging circumstances, each with its reason, and propose their needs."""
    from matching.inputs.triage import read_attainment, suggested_needs, triage_as_text  # noqa: PLC0415
    from matching.inputs.triage import triage as list_schools  # noqa: PLC0415

    if (gias is None) == (schools is None):
        message, fix = "Give one of --gias and --schools.", "Both hold the schools."
        raise DataError([Problem("s2s triage", None, "", "", message, fix)])
    check_target(out, mark=TRIAGE_MARK)
    paths = {"schools": gias or schools, "ofsted": ofsted, "links": links, "attainment": attainment}
    sources = _opened(paths)
    frame = read_schools(sources["schools"], ofsted=sources.get("ofsted"), links=sources.get("links"))
    results = read_attainment(sources["attainment"]) if "attainment" in sources else None
    day = as_at.date() if as_at else date.today()
    listed = list_schools(frame, as_at=day, attainment=results, local_authority=local_authority)
    needs = suggested_needs(listed)
    files = {"triage.csv": csv_bytes(triage_as_text(listed)), "needs.csv": csv_bytes(needs)}
    write_directory(out, files, mark=TRIAGE_MARK)
    typer.echo(
        f"Listed: {counted(len(listed), 'school')} of {len(frame):,}. Proposed: {counted(len(needs), 'need')}. "
        f"Written to {out}. Nothing is decided: read, edit and keep what is right."
    )
    for rule, count in listed["rule"].value_counts(sort=False).items():
        typer.echo(f"{count:,} first for: {rule}.")
    _say(results.notices if results else ())


@app.command("accreditation")
def accreditation_changes(
    schools: Schools,
    schools_new: Annotated[Path, typer.Option(help="the schools as they are now, or a newer GIAS extract")],
    supporters: Supporters,
    accreditation: Annotated[Path, typer.Option(help="accreditation.csv or .xlsx")],
    ofsted: Ofsted = None,
    ofsted_new: Annotated[Path | None, typer.Option(help="Ofsted's file of now, for a newer GIAS extract")] = None,
    links: LinksFile = None,
    plan: Annotated[Path | None, typer.Option(help="directory of a plan: which deployments it touches")] = None,
    as_at: AsAt = None,
) -> None:
    """Tell who is no longer accredited, and who newly is, since the schools' grades changed."""
    paths = {"schools": schools, "supporters": supporters, "accreditation": accreditation}
    sources = _opened({**paths, "ofsted": ofsted, "links": links})
    newer = _opened({"schools": schools_new, "ofsted": ofsted_new})
    inputs = read_people(sources, as_at=as_at.date() if as_at else None)
    now = read_schools(newer["schools"], ofsted=newer.get("ofsted"), links=sources.get("links"))
    told = changes(inputs, now)
    for row in told[told["change"] != ""].to_dict("records"):
        why = f" ({row['reason']})" if row["reason"] else ""
        grades = f"'{row['grade_before'] or 'no grade'}' before, '{row['grade_after'] or 'no grade'}' now"
        who = f"{row['supporter_id']} ({row['designation']})"
        typer.echo(f"{who} is {row['change']}{why}: {row['school_name']}, {grades}.")
    changed = told["change"].value_counts()
    typer.echo(
        f"Supporters whose home school's grade changed: {len(told):,}; "
        f"{changed.get('no longer accredited', 0):,} no longer accredited, "
        f"{changed.get('newly accredited', 0):,} newly accredited."
    )
    if plan is not None:
        deployments = touched(told, read_directory(plan).plan.deployments)
        for row in deployments.to_dict("records"):
            typer.echo(f"Need {row['need_id']} ({row['focus']}, {row['school_name']}) has {row['supporter_id']}.")
        typer.echo(f"Deployments of the plan that it touches: {len(deployments):,}.")
    _say(inputs.notices)


@app.command("compare")
def compare_plans(
    before: Annotated[Path, typer.Argument(help="directory of the earlier plan")],
    after: Annotated[Path, typer.Argument(help="directory of the later plan")],
    out: Annotated[Path | None, typer.Option(help=".csv file for the needs that are served otherwise")] = None,
) -> None:
    """Put two plans side by side: what each reaches, who moved, and which needs were gained and lost."""
    from matching.plan.compare import compare  # noqa: PLC0415

    found = compare(read_directory(before).plan, read_directory(after).plan)
    typer.echo(found.levels.to_string(index=False, float_format="{:,.10g}".format))
    for sentence in found.sentences():
        typer.echo(sentence)
    for title, table in (("Needs that are served otherwise:", found.changes), ("Workload:", found.workload)):
        if len(table):
            typer.echo(f"\n{title}")
            typer.echo(table.to_string(index=False))
    if out is not None:
        _write_file(out, csv_bytes(found.changes))


@app.command()
def simulate(
    schools: Schools,
    supporters: Annotated[int, typer.Option(min=1, help="how many supporters")],
    needs: Annotated[int, typer.Option(min=1, help="how many needs")],
    out: Annotated[Path, typer.Option(help="directory for the tables")],
    seed: Annotated[int, typer.Option(min=0, help="the same seed gives the same tables")] = 0,
    region: Annotated[str | None, typer.Option(help="only schools of this region")] = None,
    days: Annotated[bool, typer.Option(help="whether people and needs have days")] = True,
) -> None:
    """Make up people and needs at real schools, to try the program at any size."""
    from matching.inputs.simulate import simulate as make_up  # noqa: PLC0415

    check_target(out, mark=MADE_UP_MARK)
    frame = read_schools(open_source(schools))
    tables = make_up(frame, supporters, needs, seed, region=region, with_days=days)
    told = f"{supporters:,} made-up supporters and {needs:,} needs"
    files = {f"{name}.csv": csv_bytes(table) for name, table in tables.items()}
    files[MADE_UP_MARK] = f"{told}, by s2s simulate --seed {seed}. No person in these tables is real.\n".encode()
    write_directory(out, files, mark=MADE_UP_MARK)
    typer.echo(f"{told} written to {out}.")


@app.command()
def graph(
    plan_dir: PlanDir,
    out: Annotated[Path, typer.Option(help=".graphml file to write")],
    need: Annotated[str | None, typer.Option(help="only what is around this need")] = None,
) -> None:
    """Write the bipartite graph of supporters and needs as GraphML, for Gephi, yEd and their like."""
    from matching.plan.graph import around, bipartite_graph, graphml_bytes, known_need, parts  # noqa: PLC0415

    saved = read_directory(plan_dir)
    whole = bipartite_graph(open_market(_inputs_of(saved)), saved.plan)
    drawn = whole if need is None else around(whole, [known_need(whole, need)])
    _write_file(out, graphml_bytes(drawn))
    sizes = [len(part) for part in parts(drawn) if len(part) > 1]
    typer.echo(
        f"{drawn.number_of_nodes():,} nodes and {drawn.number_of_edges():,} eligible pairs written to {out}: "
        f"{len(sizes):,} connected parts, and {drawn.number_of_nodes() - sum(sizes):,} nodes that nothing is tied to."
    )


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="directory for the plan")] = Path("demo-plan"), as_at: AsAt = None
) -> None:
    """Allocate the fictional demo area that ships with the program."""
    check_target(out)
    _allocate_to(out, demo_sources(), as_at, 60.0)


@app.command("app")
def browser_app(
    port: Annotated[int, typer.Option(min=1, max=65535, help="port of the local address")] = 8501,
    demo: Annotated[bool, typer.Option(help="open the demo area")] = False,
    open_browser: Annotated[bool, typer.Option("--browser/--no-browser", help="open a browser window")] = True,
) -> None:
    """Open the browser app on this machine."""
    from matching.ui.server import serve  # noqa: PLC0415

    serve(port=port, demo=demo, open_browser=open_browser)


def _sources(
    schools: Path | None,
    supporters: Path | None,
    needs: Path | None,
    accreditation: Path | None,
    decisions: Path | None,
    policy: Path | None,
    baseline: Path | None = None,
) -> dict[str, Source]:
    """The tables that were named, read."""
    paths = {
        "schools": schools,
        "supporters": supporters,
        "needs": needs,
        "accreditation": accreditation,
        "decisions": decisions,
        "policy": policy,
        "baseline": baseline / "plan.csv" if baseline else None,
    }
    return _opened(paths)


def _about(ofsted: Path | None, links: Path | None, columns: Path | None, leave_out: bool) -> dict[str, Source]:
    """The files that say more of the tables, and how they are read."""
    sources = _opened({"ofsted": ofsted, "links": links, "columns": columns})
    if leave_out:
        options = replace(read_options(sources.get("columns")), leave_out=True)
        sources["columns"] = options_source(options)
    return sources


def _opened(paths: Mapping[str, Path | None]) -> dict[str, Source]:
    """The files that were named, read; every one that cannot be opened is reported."""
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    for name, path in paths.items():
        if path is not None:
            try:
                sources[name] = open_source(path)
            except DataError as error:
                problems += error.problems
    if problems:
        raise DataError(problems)
    return sources


def _read(sources: Mapping[str, Source], as_at: datetime | None) -> Inputs:
    # Tables are made of hundreds of thousands of values, none of which Python has to look for as garbage so soon.
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS)
    return read_inputs(sources, as_at=as_at.date() if as_at else None)


def _inputs_of(saved: SavedPlan) -> Inputs:
    gc.set_threshold(_VALUES_BETWEEN_COLLECTIONS)
    return saved_inputs(saved)


def _allocate_to(out: Path, sources: Mapping[str, Source], as_at: datetime | None, time_limit_s: float) -> None:
    with _progress() as tell:
        tell("Reading the tables")
        inputs = _read(sources, as_at)
        with _stopped_by_interrupt() as cancel:
            plan = make_best_plan(inputs, time_limit_s=time_limit_s, progress=tell, cancel=cancel)
            tell("Writing the plan")
            write_directory(out, plan_files(plan, inputs))
    counts = plan.manifest["counts"]
    levels = ", ".join(f"{level['level']} {level['value']:,}" for level in plan.manifest["objective"])
    typer.echo(f"{counts['deployments']:,} of {counts['needs']:,} needs are met ({levels}); plan written to {out}.")
    if plan.manifest["status"] == "optimal":
        typer.echo("Proved: no plan is better.")
    else:
        bounds = ", ".join(f"{level['level']} {level['bound']:,}" for level in plan.manifest["objective"])
        ended = _ENDED[plan.manifest["proof"]["cut_short_by"]]
        typer.echo(f"{ended}; no plan can exceed {bounds}.")
    _say(plan.manifest["notices"])


@contextmanager
def _stopped_by_interrupt() -> Iterator[threading.Event]:
    """Let the first Ctrl-C end a search with the best plan that it has, and a second one everything at once."""
    cancel = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        if cancel.is_set():
            raise KeyboardInterrupt
        cancel.set()
        typer.echo("Stopping: the best plan so far is written. Press Ctrl-C again to leave without it.", err=True)

    before = signal.signal(signal.SIGINT, stop)
    try:
        yield cancel
    except KeyboardInterrupt as interrupt:
        typer.echo("Stopped; nothing was written.", err=True)
        raise typer.Exit(130) from interrupt
    finally:
        signal.signal(signal.SIGINT, before)


def _say(notices: Sequence[str]) -> None:
    for notice in notices:
        typer.echo(f"Notice: {notice}")


def _write_file(path: Path, content: bytes) -> None:
    try:
        write_file(path, content)
    except OSError as error:
        message = f"{path} cannot be written ({(error.strerror or 'no reason given').lower()})."
        fix = "Check the path, the free space and your rights."
        raise DataError([Problem(path.name, None, "", "", message, fix)]) from error


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Tell of a long step on a terminal; in a pipe say nothing."""
    # Asked of the stream itself: the console library believes FORCE_COLOR before its eyes.
    if not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.console import Console  # noqa: PLC0415 - slow to load, and of no use in a pipe
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as shown:
        step = shown.add_task("Starting", total=None)
        yield lambda words: shown.update(step, description=words)
