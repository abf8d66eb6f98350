"""One need of the plan: why it has its supporter, why not another one, and what would meet it if it is unmet."""

import pandas as pd
import streamlit as st

from matching.errors import DataError, counted
from matching.pairs.market import Row
from matching.plan.graph import bottleneck
from matching.rounds.history.table import deployment_lines
from matching.rounds.planning.repair_edits import RepairEdits, repair_edits
from matching.tables.formats import PRIORITIES
from matching.ui.formatting import comparisons, markup
from matching.ui.sections.confirmation import need_name, record_and_confirm
from matching.ui.sections.desk.support_forms import days_sentence, terms_sentence
from matching.ui.sections.next_round import Past
from matching.ui.sections.plan_decisions import STATUS_COLOURS, ask_to_place, people, show_decisions
from matching.ui.state import answers, drafted_rules, person
from matching.ui.state.live_plan import Opened
from matching.ui.widgets import charts
from matching.whatif.repairs import Repair, Repairs
from matching.whatif.why_not import WhyNot

_MOST_CANDIDATES, _MOST_LISTED = 8, 400
_MOST_DISPLACED = 30
_ADDRESSED = "need_in_address"


def chosen_need(opened: Opened) -> str | None:
    """Show the list of needs and return the chosen one.

    The address keeps it: a refresh does not lose it, a link to it can be sent, and the browser's back and forward
    buttons lead from one need to another.
    """
    labels = {str(row["need_id"]): need_name(row) for row in opened.needs.to_dict("records")}
    asked = st.query_params.get("need")
    # An address other than this screen wrote last is a refresh, a link, or one step back or forward. What was chosen
    # before this tab knew the list (its server was started again) is not overruled by an address without a need.
    is_new = "need" not in st.session_state
    if asked in labels if is_new else asked != st.session_state.get(_ADDRESSED):
        st.session_state["need"] = asked if asked in labels else None
    chosen: str | None = st.selectbox(
        "Need",
        list(labels),
        index=None,
        format_func=lambda one: labels.get(one, one),
        placeholder="Click a row in the table, or choose a need here",
        key="need",
    )
    if chosen and chosen != asked:
        st.query_params["need"] = chosen
    elif asked and not chosen:
        del st.query_params["need"]
    st.session_state[_ADDRESSED] = chosen
    return chosen if chosen in labels else None


def show_need(opened: Opened, need_id: str) -> None:
    """Show why a need has its supporter, or why it is unmet, and offer what can be recorded about it."""
    row = opened.row(need_id)
    answer = answers.explanation_of(opened.live, need_id)
    with st.container(border=True, key="why"):
        st.html(markup.heading(answer.headline) + _tags(row) + markup.sentences(answer.sentences))
        so_far = deployment_lines(opened.live.state).get((need_id, row["supporter_id"]))
        if row["met"]:
            pair, state = (need_id, str(row["supporter_id"])), opened.live.state
            days = days_sentence(state, pair, float(row["days"]), str(row["designation"]))
            if support := " ".join(filter(None, (days, terms_sentence(state.support.terms.get(pair))))):
                st.html(markup.paragraph(support))
            if so_far:
                st.html(markup.paragraph(f"So far: {so_far}.", quiet=True))
        if row["met"]:
            _past(opened).show(row["supporter_id"], _school_urn(opened, need_id))
    show_decisions(opened, need_id)


def _tags(row: Row) -> str:
    if not row["met"]:
        return markup.tag("Unmet", "red")
    fixed = markup.tag(row["held"].capitalize(), "yellow") if row["held"] else ""
    return (
        markup.tag("Met", "green")
        + " "
        + markup.tag(row["status"].capitalize(), STATUS_COLOURS[row["status"]])
        + " "
        + fixed
    )


@st.fragment
def show_questions(opened: Opened, need_id: str) -> None:
    """Show what would meet an unmet need, why not another supporter, and who else could support it."""
    row = opened.row(need_id)
    if not row["met"]:
        _show_repairs(opened, need_id)
    _show_why_not(opened, need_id, row)
    _show_surroundings(opened, need_id)


# ---- why not another supporter -------------------------------------------------------------------------------------


def _show_why_not(opened: Opened, need_id: str, row: Row) -> None:
    st.header("Other supporters", anchor=False)
    names = people(opened)
    asked = st.selectbox(
        "Why not another supporter?",
        [one for one in names if one != row["supporter_id"]],
        index=None,
        format_func=lambda one: names.get(one, ""),
        placeholder="Choose the supporter you expected",
        key="why_not",
    )
    if asked is None or asked == row["supporter_id"]:
        return
    _offer_person(opened, need_id, asked, names[asked], "asked")
    _past(opened).show(asked, _school_urn(opened, need_id))
    answer = answers.answer_why_not(opened.live, need_id, asked)
    if answer.bars and not answer.solved:
        st.html(markup.sentences(answer.sentences[:1]))
        if st.toggle("Show what this would change anyway", key=f"force_{need_id}_{asked}"):
            answer = answers.answer_why_not(opened.live, need_id, asked, force=True)
            st.html(markup.sentences(answer.sentences))
    else:
        st.html(markup.sentences(answer.sentences))
    _show_answer(answer, names[asked], row)


def _show_answer(answer: WhyNot, who: str, row: Row) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        other = f"{row['supporter']}" if row["met"] else ""
        caption = f"How the score of {who} is made up" + (
            f", compared with {other}, the supporter now" if other else ""
        )
        table = comparisons.components(answer, other)
        st.html(markup.table(table, caption, numeric=list(table.columns[1:])))
    if not answer.solved:
        return
    with right:
        table = comparisons.levels(answer.levels, "This plan", "With this supporter")
        st.html(markup.table(table, "What the plan would reach", numeric=list(table.columns[1:])))
    if len(answer.displaced):
        moves = comparisons.moves(answer.displaced)
        caption = f"Who would move: {counted(len(moves), 'need')}, each making way for the one before it"
        st.html(markup.table(moves.head(_MOST_DISPLACED), caption))
        if len(moves) > _MOST_DISPLACED:
            st.caption(f"The first {_MOST_DISPLACED} of {len(moves):,} needs are shown.")


# ---- what would meet it --------------------------------------------------------------------------------------------


def _show_repairs(opened: Opened, need_id: str) -> None:
    st.header("What would meet this need?", anchor=False)
    key = f"repairs_{need_id}_{opened.live.digest}"
    if st.button("Find the smallest changes that would meet it", key=f"ask_{key}"):
        st.session_state[key] = True
    if not st.session_state.get(key):
        words = "Each change is tested by making the plan again with it. This takes up to four seconds."
        st.html(markup.paragraph(words, quiet=True))
        return
    answer = answers.answer_repairs(opened.live, need_id)
    found = answer.found
    if not found:
        is_all = answer.n_tried == answer.n_possible
        alone = ", neither one alone nor two together" if is_all else " among those tried"
        st.html(markup.paragraph(f"No small change was found that would meet it{alone}."))
        _show_untried(answer)
        return
    if not found[0].steps:
        st.html(markup.paragraph(f"{_repair_words(found[0])} Record it above, or find the best plan from here."))
        return
    st.html(markup.paragraph("The change that costs other needs least comes first. Nothing has changed yet."))
    for number, one in enumerate(found, start=1):
        with st.container(horizontal=True, vertical_alignment="center", key=f"repair_{number}"):
            st.html(markup.paragraph(f"{number}. {_repair_words(one)}"), width="stretch")
            edits = repair_edits(one, opened.market.inputs, opened.round_.sources, opened.live.state, person.who())
            can_do = edits is not None and not opened.is_approved
            if edits and can_do and st.button("Do this", key=f"do_{number}_{key}", help=markup.label(one.sentence)):
                _do(opened, one, edits)
    _show_untried(answer)


def _show_untried(answer: Repairs) -> None:
    if answer.n_tried < answer.n_possible:
        tried = f"{answer.n_tried:,} of {answer.n_possible:,} changes that might meet it were tried"
        words = f"{tried}, the most promising first."
        st.html(markup.paragraph(words, quiet=True))


def _do(opened: Opened, repair: Repair, edits: RepairEdits) -> None:
    """Record a repair as the changes that it is; changed rules wait for the plan that is made with them."""
    if edits.policy:
        drafted_rules.draft_policy(opened.round_, edits.policy)
    if not edits.events:
        st.rerun()
    words = f"Recorded: {repair.sentence}" if repair.sentence.endswith(".") else f"Recorded: {repair.sentence}."
    record_and_confirm(opened.round_, edits.events, words, "Find the best plan from here to use it.")


def _repair_words(repair: Repair) -> str:
    """Return a repair in words, with its cost: how many needs of each priority would lose their supporters."""
    lost = [f"{count} {level}" for count, level in zip(repair.lost, PRIORITIES, strict=True) if count]
    cost = (
        f"Cost: needs that are met now become unmet ({', '.join(lost)})."
        if lost
        else "Cost: no other need loses its supporter."
    )
    least = "" if repair.is_least else " A smaller number might be enough."
    return f"{repair.sentence} {cost}{least}"


# ---- who else could ------------------------------------------------------------------------------------------------


def _show_surroundings(opened: Opened, need_id: str) -> None:
    """Show who else could support a need and, as a picture, whom they support; only the open tab is drawn."""
    candidates = answers.explanation_of(opened.live, need_id).candidates
    if candidates.empty:
        return
    who, whom = st.tabs(["Who else could support it?", "Whom do they support?"], key="around_need", on_change="rerun")
    with who:
        if who.open:
            _show_candidates(opened, need_id, candidates)
    with whom:
        if whom.open:
            _show_neighbourhood(opened, need_id)


def _show_candidates(opened: Opened, need_id: str, candidates: pd.DataFrame) -> None:
    st.html(markup.paragraph("The best score comes first.", quiet=True))
    past, school_urn = _past(opened), _school_urn(opened, need_id)
    for row in candidates.head(_MOST_CANDIDATES).to_dict("records"):
        who = f"{row['supporter_name']} ({row['supporter_id']}), {row['designation']}"
        fit = f"{row['distance_km']} km, score {row['score']}"
        with st.container(horizontal=True, vertical_alignment="center", key=f"candidate_{row['supporter_id']}"):
            earlier = "".join(f". Earlier: {one}" for one in past.lines(row["supporter_id"], school_urn)[:1])
            st.html(markup.term(who, f"{fit}. In this plan: {row['instead']}{earlier}"), width="stretch")
            _offer_person(opened, need_id, str(row["supporter_id"]), who, "listed")
    if len(candidates) > _MOST_CANDIDATES:
        listed = pd.DataFrame(
            {
                "Supporter": candidates["supporter_name"] + " (" + candidates["supporter_id"] + ")",
                "Designation": candidates["designation"],
                "Km": candidates["distance_km"],
                "Score": candidates["score"],
                "In this plan": candidates["instead"],
            }
        )
        with st.expander(f"Show all {len(listed):,} supporters who could meet this need"):
            caption = "Supporters who could meet this need, the best score first"
            st.html(markup.table(listed.head(_MOST_LISTED), caption, numeric=["Km", "Score"]))


def _school_urn(opened: Opened, need_id: str) -> str:
    needs = opened.market.inputs.all_needs
    return str(needs.loc[needs["need_id"] == need_id, "school_urn"].iat[0])


def _past(opened: Opened) -> Past:
    return Past.of(opened.round_, opened.market.inputs)


def _offer_person(opened: Opened, need_id: str, supporter_id: str, who: str, place: str) -> None:
    """Offer to place a person at a need: the form opens with them chosen, and lists every rule that this breaks."""
    if opened.is_approved or opened.row(need_id)["supporter_id"] == supporter_id:
        return
    key = f"use_{place}_{need_id}_{supporter_id}"
    if st.button("Use this person", key=key, help=f"Place {markup.label(who)} here by hand"):
        ask_to_place(need_id, supporter_id)
        st.rerun()


def _show_neighbourhood(opened: Opened, need_id: str) -> None:
    try:
        whole = answers.graph_of(opened.live)
    except DataError as error:
        st.html(markup.paragraph(*(f"{one.message} {one.fix}" for one in error.problems), quiet=True))
        return
    found = charts.neighbourhood(whole, need_id)
    st.altair_chart(
        charts.bipartite_chart(found),
        theme=None,
        alt="Supporters on the left and needs on the right. The other tab lists the same people in a table.",
    )
    left_out = (
        f" The best {charts.MOST_PEOPLE} of {charts.MOST_PEOPLE + found.left_out} supporters are drawn."
        if found.left_out
        else ""
    )
    st.caption(f"Thick line: deployed in this plan. Dashed line: could support this need too.{left_out}")
    group = bottleneck(whole, need_id)
    if group:
        st.html(
            markup.banner(
                "There are too few places.",
                [
                    f"{counted(len(group.need_ids), 'need')} can only be met by the same "
                    f"{counted(len(group.supporter_ids), 'supporter')}, who offer "
                    f"{counted(group.places, 'place')} in all."
                ],
            )
        )
