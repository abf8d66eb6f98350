"""Hand over: approval of the plan, and its files, equal to the byte to those that the commands write."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial

import pandas as pd
import streamlit as st

from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.inputs.locations import options_of
from matching.plan.as_bytes import EQUITY_FILE, zip_bytes
from matching.plan.handover.agreement import agreements_html
from matching.plan.handover.calendars import Dated, calendar_files, calendar_ics, calendars_zip
from matching.plan.handover.contacts import NO_CONTACTS, Contacts, contacts_of
from matching.plan.handover.files import (
    identifiers_with_names,
    plan_by_school_html,
    plan_by_supporter_html,
    plan_identifiers_csv,
    school_letters_csv,
    supporter_letters_csv,
    unmet_identifiers_csv,
)
from matching.plan.handover.page import Occasion
from matching.plan.on_disk import SavedPlan
from matching.plan.write import Plan
from matching.rounds.desk.dated import agreed_terms, dated
from matching.rounds.desk.support_table import workload_with_days
from matching.rounds.planning.decisions_table import decisions_source, decisions_table
from matching.rounds.round import Round
from matching.tables.csv_out import csv_bytes
from matching.ui.formatting import markup
from matching.ui.sections.approval import show_approval, show_check
from matching.ui.sections.desk.support_given import show_support_given
from matching.ui.sections.register.opened import opened_register
from matching.ui.state import cache, drafted_rules
from matching.ui.state.delivery import Handed, handed
from matching.ui.steps import EXPORT, PLAN
from matching.ui.widgets.layout import round_or_stop, screen_heading, way_on

_WORKLOAD = "workload.csv"
_TABLES = {
    "plan.csv": ("Plan", "Who supports which need, with the reason for every row."),
    "unmet.csv": ("Unmet needs", "Every need without a supporter, with the reason and the nearest option."),
    _WORKLOAD: ("Workload", "The deployments of each supporter, and the places and days left and logged."),
    "excluded.csv": ("Excluded", "Supporters who could not be deployed, and why."),
    EQUITY_FILE: ("Fairness", "Needs met by area, phase, trust, disadvantage and priority."),
}
_DOCUMENTS = {
    "Download the plan by school": (plan_by_school_html, "plan-by-school.html"),
    "Download the plan by supporter": (plan_by_supporter_html, "plan-by-supporter.html"),
}
_EXCEL = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_CSV, _HTML, _ZIP, _ICS = "text/csv", "text/html", "application/zip", "text/calendar"
_MOST_IDENTIFIERS = 10


def show() -> None:
    """Show the screen."""
    round_ = round_or_stop(EXPORT)
    if round_.files is None:
        screen_heading(EXPORT, round_, "There is no plan to hand over yet.")
        way_on(PLAN, "Go to Plan")
        return
    is_approved = round_.approved is not None
    screen_heading(EXPORT, round_, "The plan is approved: download its files." if is_approved else "")
    found = handed(round_)
    _warn_if_outdated(round_, found)
    first = ["Files", "Approval"] if is_approved else ["Check and approve", "Files"]
    *tabs, given = st.tabs([*first, "Visits, invoices and evaluations"])
    files, check = tabs if is_approved else reversed(tabs)
    with given:
        show_support_given(round_)
    with check:
        if is_approved:
            show_approval(round_, found)
        else:
            show_check(round_, found)
    with files:
        _show_files(round_, found)


def _warn_if_outdated(round_: Round, found: Handed) -> None:
    if found.decisions:
        words = f"They include {counted(found.decisions, 'change')} by hand since the plan was made."
        st.html(markup.banner("The files below hold the plan as it is now.", [words]))
    if drafted_rules.is_outdated(round_, found.saved):
        st.html(
            markup.banner(
                "You have changed the rules since this plan was made.",
                ["The files below were made with the earlier rules. Make the plan again on the Plan screen first."],
                kind="warning",
            )
        )


# ---- files ---------------------------------------------------------------------------------------------------------


def _show_files(round_: Round, found: Handed) -> None:
    if found.approval is None:
        st.html(markup.paragraph("The plan is not approved yet, so these files are a draft.", quiet=True))
    remarks = st.checkbox(
        "Include the remarks of decisions in the workbook, documents and letters",
        key="with_remarks",
        help="What was written about a decision is private unless you tick this. The files to keep and verify and the "
        "CSV tables always hold it.",
    )
    contacts = st.checkbox(
        "Include contact details in the documents to print",
        key="with_contacts",
        help="Addresses and telephone numbers from your tables, in the plan by school, the plan by supporter and the "
        "agreements. No other file has them.",
    )
    found = replace(found, with_remarks=remarks)
    # A file is made outside the run of the screen, where the register of this session cannot be read.
    workload = _workload(round_, found)
    _show_to_read(found, workload, contacts_of(opened_register(round_).inputs) if contacts else NO_CONTACTS)
    _show_letters(found)
    with_calendars = _show_calendars(round_, found)
    _show_without_names(found)
    st.header("Each table as CSV", anchor=False)
    for name, frame in _tables(found.saved).items():
        content = found.files[name] if name != _WORKLOAD else csv_bytes(workload)
        _offer_table(name, len(frame), content)
    _show_to_keep(round_, found, with_calendars=with_calendars)


def _workload(round_: Round, found: Handed) -> pd.DataFrame:
    """Return the workload with the days logged, once there are any, and the cost where the round has rates."""
    opened = opened_register(round_)
    if not opened.state.support.visits and not opened.state.rates:
        return found.plan.workload
    return workload_with_days(found.plan.workload, opened.support, with_cost=bool(opened.state.rates))


def _tables(saved: SavedPlan) -> dict[str, pd.DataFrame]:
    tables = saved.plan.tables()
    return tables if saved.equity is None else {**tables, EQUITY_FILE: saved.equity}


def _show_to_read(found: Handed, workload: pd.DataFrame, contacts: Contacts) -> None:
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.header("To read and share", anchor=False)
        st.html(markup.paragraph("One Excel workbook with a sheet for each table. No cell in it runs as a formula."))
        _offer("Download the Excel workbook", lambda: _workbook(found, workload), "plan.xlsx", _EXCEL, primary=True)
    with right, st.container(border=True, height="stretch"):
        st.header("To print", anchor=False)
        st.html(markup.paragraph("A document that opens in any browser. Print it there, or save it as a PDF."))
        with st.container(horizontal=True):
            for label, (write, name) in _DOCUMENTS.items():
                _offer(label, partial(_printed, found, write, contacts), name, _HTML)
            _offer("Download the agreements to sign", lambda: _agreements(found, contacts), "agreements.html", _HTML)


def _printed(found: Handed, write: Callable[[Plan, Inputs, Occasion, Contacts], bytes], contacts: Contacts) -> bytes:
    return write(found.shared, found.inputs, found.occasion(date.today()), contacts)


def _agreements(found: Handed, contacts: Contacts) -> bytes:
    occasion, terms = found.occasion(date.today()), agreed_terms(found.state)
    return agreements_html(found.shared, found.inputs, occasion, terms, contacts)


def _workbook(found: Handed, workload: pd.DataFrame) -> bytes:
    shared = replace(found.shared, workload=workload)
    return cache.workbook(found.files, shared, with_remarks=found.with_remarks)


def _show_letters(found: Handed) -> None:
    st.header("Letters", anchor=False)
    st.html(
        markup.paragraph(
            "A row for each letter, for mail merge. In Word choose Mailings, Select Recipients, Use an Existing "
            "List. You can put each column into the letter."
        )
    )
    with st.container(horizontal=True):
        _offer(
            "Download the rows for supporters",
            lambda: supporter_letters_csv(found.shared, found.inputs, found.occasion(date.today())),
            "letters-supporters.csv",
            _CSV,
        )
        _offer(
            "Download the rows for schools",
            lambda: school_letters_csv(found.shared, found.inputs, found.occasion(date.today())),
            "letters-schools.csv",
            _CSV,
        )


def _show_calendars(round_: Round, found: Handed) -> bool:
    """Show the calendars, and return whether they are to be in the zip of everything too."""
    st.header("Calendars", anchor=False)
    if not _days(found):
        words = "There is nothing for a calendar yet: no start, end, review or visit of a deployment is recorded."
        st.html(markup.paragraph(words))
        return False
    words = "When each deployment begins, is visited, is reviewed and ends, for Outlook and other calendar programs."
    st.html(markup.paragraph(words))
    about = (found.plan, found.inputs, _days(found), round_.name, round_.round_id)
    with st.container(horizontal=True):
        _offer("Download the calendar", lambda: calendar_ics(*about), "calendar.ics", _ICS)
        for words, column in (("supporter", "supporter_id"), ("school", "school_urn")):
            make = partial(calendars_zip, column, *about)
            _offer(f"Download one for each {words} (zip)", make, f"calendars-by-{words}.zip", _ZIP)
    return st.checkbox("Put the calendars into the zip file to keep, too", key="with_calendars")


def _show_without_names(found: Handed) -> None:
    st.header("Without names", anchor=False)
    st.html(
        markup.paragraph(
            "These files hold identifiers only, without the names of people or schools and without sentences. Anyone "
            "who has your tables can still look the names up."
        )
    )
    if revealing := identifiers_with_names(found.inputs):
        listed = ", ".join(revealing[:_MOST_IDENTIFIERS]) + (", …" if len(revealing) > _MOST_IDENTIFIERS else "")
        st.html(
            markup.banner(
                f"{counted(len(revealing), 'identifier contains', 'identifiers contain')} part of the person's name.",
                [f"These files would reveal who they are: {listed}. Use other identifiers in the supporters table."],
                kind="warning",
            )
        )
    with st.container(horizontal=True):
        _offer("Download the plan without names", lambda: plan_identifiers_csv(found.plan), "plan-ids.csv", _CSV)
        _offer(
            "Download the unmet needs without names", lambda: unmet_identifiers_csv(found.plan), "unmet-ids.csv", _CSV
        )


def _offer_table(name: str, rows: int, content: bytes) -> None:
    title, about = _TABLES[name]
    with st.container(border=True, horizontal=True, vertical_alignment="center", key=f"table_{title}"):
        with st.container(width="stretch", gap=None):
            st.html(markup.heading(f"{title}: {counted(rows, 'row')}"))
            st.html(markup.paragraph(about, quiet=True))
        _offer(f"Download {name}", lambda: content, name, _CSV)


def _days(found: Handed) -> list[Dated]:
    rows = found.plan.deployments
    pairs = {*zip(rows["need_id"], rows["supporter_id"], strict=True)}
    return [one for one in dated(found.state) if one.pair in pairs]


def _everything(round_: Round, found: Handed, *, with_calendars: bool) -> bytes:
    if not with_calendars:
        return cache.packed(found.files)
    about = (found.plan, found.inputs, _days(found), round_.name, round_.round_id)
    return zip_bytes({**found.files, **calendar_files(*about)})


def _show_to_keep(round_: Round, found: Handed, *, with_calendars: bool) -> None:
    left, right = st.columns(2, gap="medium")
    with left, st.container(border=True, height="stretch"):
        st.header("To keep and verify", anchor=False)
        st.html(
            markup.paragraph(
                "One zip file with the tables of the plan, the rules, the uploaded tables and the proof. The command "
                "“s2s verify” checks it."
            )
        )
        _offer(
            "Download everything (zip)",
            lambda: _everything(round_, found, with_calendars=with_calendars),
            "plan.zip",
            _ZIP,
        )
    with right, st.container(border=True, height="stretch"):
        st.header("For the next round", anchor=False)
        st.html(
            markup.paragraph(
                "A decisions table to upload with the next round: who declined, and who must not support whom. It does "
                "not include placements by hand."
            )
        )
        _offer("Download decisions.csv", lambda: _next_decisions(round_, found), "decisions.csv", _CSV)


def _next_decisions(round_: Round, found: Handed) -> bytes:
    needs, people = found.inputs.needs, found.inputs.supporters
    decisions = decisions_table(
        round_.sources.get("decisions"),
        found.state,
        hold=False,
        needs=dict(zip(needs["need_id"], needs["school_urn"], strict=True)),
        supporters=set(people["supporter_id"]),
        options=options_of(round_.sources).of("decisions"),
    )
    return decisions_source(decisions).content


def _offer(label: str, make: Callable[[], bytes], name: str, kind: str, *, primary: bool = False) -> None:
    """Show a button for a file that is made when the user presses it."""
    st.download_button(label, make, name, kind, type="primary" if primary else "secondary", on_click="ignore")


if __name__ == "__main__":
    show()
