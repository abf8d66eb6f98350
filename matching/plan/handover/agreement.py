"""The agreement on each deployment: one page that the supporter and both schools sign."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from matching.inputs.inputs import Inputs
from matching.plan.handover.contacts import NO_CONTACTS, Contacts
from matching.plan.handover.page import Occasion, definitions, document, lines, paragraph, section
from matching.plan.phrases import counted_days, day_in_words, sentence_case
from matching.plan.write import Plan

_SIGN = ("The supporter", "The supporter's own school", "The school that receives support")


def agreements_html(
    plan: Plan,
    inputs: Inputs,
    occasion: Occasion,
    terms: Mapping[tuple[str, str], Mapping[str, str]],
    contacts: Contacts = NO_CONTACTS,
) -> bytes:
    """Return a page for each deployment, by school, with what was agreed and lines for what is still to be filled in.

    Parameters
    ----------
    plan, inputs, occasion
        As in `plan_by_school_html`.
    terms : mapping of (need_id, supporter_id) to mapping of str to str
        What was agreed: start, end and review_on as ISO dates, days, objectives; each may be missing.
    contacts : Contacts, optional
        To be shown; none by default.
    """
    titles = {code: one.title for code, one in inputs.vocabulary.designations.items()}
    rows = plan.deployments.sort_values(["school_name", "school_urn", "need_id"]).to_dict("records")
    pages = [
        section(
            f"{sentence_case(row['focus'])} at {row['school_name']}",
            _page(row, titles[row["designation"]], occasion, _of(row, terms), contacts),
            "agreement",
        )
        for row in rows
    ]
    return document("Agreements on support", occasion, (), pages)


def _page(row: Mapping[Any, str], title: str, occasion: Occasion, terms: Mapping[str, str], contacts: Contacts) -> str:
    at_school = contacts.of_need(row["need_id"], row["school_urn"])
    who = f"{row['supporter_name']} ({row['supporter_id']}), {title}"
    parties = [
        ("Supporter", who),
        *_known("How to reach them", contacts.people.get(row["supporter_id"], "")),
        ("Their own school", f"{row['home_school_name']} (URN {row['home_school_urn']})"),
        ("School that receives support", f"{row['school_name']} (URN {row['school_urn']}), {row['phase']}"),
        *_known("Contact there", at_school),
        ("Support", f"{row['focus']} (need {row['need_id']}), {row['status']}"),
        ("Round", occasion.round_name),
        *_known("Days asked for", _days(row["days"]) if row["days"] != "0" else ""),
    ]
    agreed = [
        ("Days agreed", _days(terms.get("days", ""))),
        ("Begins on", _day(terms.get("start", ""))),
        ("Ends on", _day(terms.get("end", ""))),
        ("Review on", _day(terms.get("review_on", ""))),
    ]
    objectives = terms.get("objectives", "").strip()
    return "".join(
        (
            definitions(parties),
            "<h3>What is agreed</h3>",
            definitions(agreed),
            "<h3>Objectives</h3>",
            "".join(paragraph(line) for line in objectives.splitlines() if line.strip()) or lines(4),
            "<h3>Signed</h3>",
            "".join(definitions([(f"{party}: name, signature and date", "")]) for party in _SIGN),
        )
    )


def _of(row: Mapping[Any, str], terms: Mapping[tuple[str, str], Mapping[str, str]]) -> Mapping[str, str]:
    return terms.get((row["need_id"], row["supporter_id"]), {})


def _known(term: str, words: str) -> list[tuple[str, str]]:
    return [(term, words)] if words else []


def _days(written: str) -> str:
    return counted_days(float(written)) if written else ""


def _day(written: str) -> str:
    return day_in_words(date.fromisoformat(written)) if written else ""
