"""Hand over: a plan without people's names, rows for letters, and the plan as a document to print; all as bytes."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import pandas as pd

from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.plan.handover.contacts import NO_CONTACTS, Contacts
from matching.plan.handover.page import Group, Occasion, document, paragraph, section, table
from matching.plan.phrases import day_in_words
from matching.plan.write import Plan
from matching.tables.csv_out import csv_bytes, spreadsheet_safe
from matching.tables.formats import PRIORITIES

_Row = Mapping[Any, str]

# Without names, and without sentences: a reason may name who pinned, and a nearest option names a supporter. Without
# the home school too: its URN leads to its head teacher's name in the public register.
PLAN_IDENTIFIER_COLUMNS = (
    "need_id",
    "school_urn",
    "local_authority",
    "phase",
    "focus",
    "priority",
    "days",
    "supporter_id",
    "designation",
    "distance_km",
    "score",
    "specialism_fit",
    "phase_fit",
    "distance_fit",
    "origin",
    "status",
    "rules_broken",
)
UNMET_IDENTIFIER_COLUMNS = ("need_id", "school_urn", "focus", "priority", "days", "reason_code")
SUPPORTER_LETTER_COLUMNS = (
    "supporter_name",
    "designation",
    "designation_title",
    "home_school_name",
    "home_school_postcode",
    "school_name",
    "school_postcode",
    "local_authority",
    "phase",
    "focus",
    "days",
    "distance_km",
    "reason",
    "status",
    "rules_broken",
    "date",
    "round",
    "approved_by",
    "approved_on",
    "supporter_id",
    "home_school_urn",
    "need_id",
    "school_urn",
)
SCHOOL_LETTER_COLUMNS = (
    "school_name",
    "school_postcode",
    "local_authority",
    "phase",
    "needs_met",
    "support",
    "needs_unmet",
    "without_support",
    "date",
    "round",
    "approved_by",
    "approved_on",
    "school_urn",
)


# ---- without names -------------------------------------------------------------------------------------------------


def plan_identifiers_csv(plan: Plan) -> bytes:
    """Return the deployments by identifiers alone, `PLAN_IDENTIFIER_COLUMNS`: no names and no sentences.

    Identifiers are written as they are; `identifiers_with_names` finds those that give a name away.
    """
    return csv_bytes(plan.deployments[list(PLAN_IDENTIFIER_COLUMNS)])


def unmet_identifiers_csv(plan: Plan) -> bytes:
    """Return the unmet needs by identifiers alone: `UNMET_IDENTIFIER_COLUMNS`."""
    return csv_bytes(plan.unmet[list(UNMET_IDENTIFIER_COLUMNS)])


def identifiers_with_names(inputs: Inputs) -> tuple[str, ...]:
    """Return the supporters' identifiers that hold a word of the person's own name, such as 'ann.ash' of Ann Ash."""
    people = zip(inputs.supporters["supporter_id"], inputs.supporters["name"], strict=True)
    return tuple(
        identifier
        for identifier, name in people
        if any(word in identifier.casefold() for word in name.casefold().split() if len(word) > 2)
    )


# ---- letters -------------------------------------------------------------------------------------------------------


def supporter_letters_csv(plan: Plan, inputs: Inputs, occasion: Occasion) -> bytes:
    """Return rows for letters to supporters: `SUPPORTER_LETTER_COLUMNS`, one a deployment, by name of the supporter."""
    rows = _with_schools(plan.deployments, inputs).assign(**_occasion_cells(occasion))
    rows = rows.sort_values(["supporter_name", "supporter_id", "need_id"], ignore_index=True)
    return csv_bytes(rows[list(SUPPORTER_LETTER_COLUMNS)].map(spreadsheet_safe))


def school_letters_csv(plan: Plan, inputs: Inputs, occasion: Occasion) -> bytes:
    """Return rows for letters to schools: `SCHOOL_LETTER_COLUMNS`, one a school with a need, by name of the school.

    `support` lists who comes, from where and for what; `without_support` the focuses without a supporter. Both are
    separated by semicolons.
    """
    met, unmet = _with_schools(plan.deployments, inputs), _with_schools(plan.unmet, inputs)
    support = pd.Series([_support_phrase(row) for row in met.to_dict("records")], index=met.index, dtype="object")
    rows = pd.concat(
        [
            met.assign(support=support, needs_met=1, needs_unmet=0, without_support=""),
            unmet.assign(support="", needs_met=0, needs_unmet=1, without_support=unmet["focus"]),
        ]
    ).sort_values(["school_name", "school_urn", "need_id"])
    about = ["school_name", "school_urn", "school_postcode", "local_authority", "phase"]
    schools = rows.groupby(about, sort=False).agg(
        {"needs_met": "sum", "support": _listed, "needs_unmet": "sum", "without_support": _listed}
    )
    letters = schools.reset_index().assign(**_occasion_cells(occasion)).astype(str)
    return csv_bytes(letters[list(SCHOOL_LETTER_COLUMNS)].map(spreadsheet_safe))


def _with_schools(rows: pd.DataFrame, inputs: Inputs) -> pd.DataFrame:
    """Return rows of a plan, with what letters state of the school, the home school and the designation as well."""
    # By label, so that inputs of another plan are an error and not another school's letter.
    schools = inputs.schools.set_index("urn")
    school = schools.loc[rows["school_urn"]].reset_index(drop=True)
    safe = school[["postcode", "local_authority", "phase"]].map(spreadsheet_safe)
    rows = rows.assign(school_postcode=safe["postcode"], local_authority=safe["local_authority"], phase=safe["phase"])
    if "supporter_id" not in rows:
        return rows
    home = schools.loc[rows["home_school_urn"]]
    titles = {code: one.title for code, one in inputs.vocabulary.designations.items()}
    return rows.assign(
        home_school_postcode=home["postcode"].to_numpy(), designation_title=rows["designation"].map(titles)
    )


def _occasion_cells(occasion: Occasion) -> dict[str, str]:
    approval = occasion.approval
    return {
        "date": day_in_words(occasion.as_at),
        "round": occasion.round_name,
        "approved_by": approval.by if approval else "",
        "approved_on": day_in_words(approval.on) if approval else "",
    }


def _support_phrase(row: _Row) -> str:
    days = f", {_days(row['days'])}" if row["days"] != "0" else ""
    return f"{row['supporter_name']} ({row['designation_title']}, {row['home_school_name']}) for {row['focus']}{days}"


def _days(number: str) -> str:
    return f"{number} {'day' if number == '1' else 'days'}"


def _listed(texts: Iterable[str]) -> str:
    return "; ".join(text for text in texts if text)


# ---- documents to print --------------------------------------------------------------------------------------------


def plan_by_school_html(plan: Plan, inputs: Inputs, occasion: Occasion, contacts: Contacts = NO_CONTACTS) -> bytes:
    """Return the plan as a document, by local authority and school, with the unmet needs and their reasons at the end.

    One HTML file that loads nothing from any network, prints on A4 and can be read on a phone; all text is escaped.
    Contact details are in it if they are given.
    """
    rows = _with_schools(plan.deployments, inputs)
    rows = rows.sort_values(["local_authority", "school_name", "school_urn", "need_id"])
    columns = ("Need", "Focus", "Priority", "Supporter", "Home school", "Days", "Km", "Status", "Why")
    sections = []
    for area, deployments in _runs(rows.to_dict("records"), "local_authority"):
        groups = [
            Group(
                _with(f"{name} (URN {urn}), {phase}", contacts.schools.get(urn, "")),
                [_school_cells(row, contacts) for row in run],
            )
            for (name, urn, phase), run in _runs(deployments, "school_name", "school_urn", "phase")
        ]
        title = area or "Local authority not known"
        sections.append(section(title, table(f"{counted(len(deployments), 'deployment')} in {title}", columns, groups)))
    sections.append(_unmet_section(plan, inputs))
    return document("Plan by school", occasion, _facts(plan), sections)


def plan_by_supporter_html(plan: Plan, inputs: Inputs, occasion: Occasion, contacts: Contacts = NO_CONTACTS) -> bytes:
    """Return the plan as a document, by designation and supporter; otherwise like `plan_by_school_html`.

    People without a deployment and the unmet needs come at the end.
    """
    rows = _with_schools(plan.deployments, inputs)
    workload = {row["supporter_id"]: row for row in plan.workload.to_dict("records")}
    rows = rows.sort_values(["designation", "supporter_name", "supporter_id", "need_id"])
    columns = ("Need", "School", "Local authority", "Phase", "Focus", "Days", "Km", "Status", "Why")
    sections = []
    for title, deployments in _runs(rows.to_dict("records"), "designation_title"):
        groups = [
            Group(
                _with(f"{name} ({one}), {home}: {_load(workload[one])}", contacts.people.get(one, "")),
                [_person_cells(row, contacts) for row in run],
            )
            for (name, one, home), run in _runs(deployments, "supporter_name", "supporter_id", "home_school_name")
        ]
        caption = f"{counted(len(groups), 'person', 'people')}, {counted(len(deployments), 'deployment')}"
        sections.append(section(_plural(title), table(caption, columns, groups)))
    sections += [_free_section(plan), _unmet_section(plan, inputs)]
    return document("Plan by supporter", occasion, _facts(plan), sections)


def _runs(rows: Iterable[_Row], *columns: str) -> Iterator[tuple[Any, list[_Row]]]:
    """Yield successive rows that are alike in some columns, with their values there."""
    for alike, run in groupby(rows, key=itemgetter(*columns)):
        yield alike, list(run)


def _school_cells(row: _Row, contacts: Contacts) -> tuple[str, ...]:
    who = f"{row['supporter_name']} ({row['supporter_id']}), {row['designation']}"
    supporter = _with(who, contacts.people.get(row["supporter_id"], ""))
    focus = _with(row["focus"], contacts.needs.get(row["need_id"], ""))
    about = itemgetter("home_school_name", "days", "distance_km")
    return row["need_id"], focus, row["priority"], supporter, *about(row), _status(row), row["reason"]


def _person_cells(row: _Row, contacts: Contacts) -> tuple[str, ...]:
    school = _with(row["school_name"], contacts.of_need(row["need_id"], row["school_urn"]))
    about = itemgetter("local_authority", "phase", "focus", "days", "distance_km")
    return row["need_id"], school, *about(row), _status(row), row["reason"]


def _with(words: str, contact: str) -> str:
    return f"{words}. Contact: {contact}" if contact else words


def _status(row: _Row) -> str:
    """Return the status of a deployment, with the rules that a person set aside for it."""
    broken = row["rules_broken"].replace(";", ", ")
    return f"{row['status']}, against: {broken}" if broken else row["status"]


def _load(row: _Row) -> str:
    places = f"{row['deployments']} of {counted(int(row['max_deployments']), 'place')}"
    limit = f" of {row['days_available']}" if row["days_available"] else ""
    return f"{places}, {row['days_used']}{limit} days"


def _plural(title: str) -> str:
    """Return a title in the plural, as a heading: 'Specialist leaders of education'."""
    return title.replace("leader", "leaders", 1).capitalize()


def _free_section(plan: Plan) -> str:
    free = plan.workload[plan.workload["deployments"] == "0"].sort_values(["supporter_name", "supporter_id"])
    if free.empty:
        return section("People without a deployment", paragraph("Everyone who can be deployed has a deployment."))
    rows = [
        (row["supporter_id"], row["supporter_name"], row["designation"], row["max_deployments"], row["days_available"])
        for row in free.to_dict("records")
    ]
    caption = f"{counted(len(rows), 'person', 'people')} who could be deployed"
    columns = ("Supporter", "Name", "Designation", "Places", "Days offered")
    return section("People without a deployment", table(caption, columns, [Group("", rows)]))


def _unmet_section(plan: Plan, inputs: Inputs) -> str:
    if plan.unmet.empty:
        return section("Unmet needs", paragraph("Every need is met."))
    rank = {priority: place for place, priority in enumerate(PRIORITIES)}
    unmet = _with_schools(plan.unmet, inputs)
    unmet = unmet.assign(rank=unmet["priority"].map(rank)).sort_values(["rank", "need_id"])
    columns = ("Need", "Priority", "School", "Local authority", "Focus", "Days", "Why it is unmet", "Nearest option")
    cells = ("need_id", "priority", "school_name", "local_authority", "focus", "days", "reason", "nearest_option")
    rows = [tuple(row[cell] for cell in cells) for row in unmet.to_dict("records")]
    caption = f"{counted(len(rows), 'need')} without a supporter, the most urgent first"
    return section("Unmet needs", table(caption, columns, [Group("", rows)]))


def _facts(plan: Plan) -> list[tuple[str, str]]:
    met, unmet = len(plan.deployments), len(plan.unmet)
    proved = plan.manifest["status"] == "optimal"
    return [
        ("Needs met", f"{met:,} of {met + unmet:,}"),
        ("Proof", "proved: no plan is better" if proved else "not proved to be the best plan"),
    ]
