"""The next round begun from the open one, and what is known of earlier rounds where a person is considered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial

import streamlit as st

from matching.errors import counted
from matching.inputs.inputs import Inputs
from matching.rounds.desk.support import RATINGS
from matching.rounds.history.events import HELD, Pair
from matching.rounds.next_round import (
    DAYS_CHOICES,
    PastSupport,
    carried_settings,
    next_tables,
    past_in_words,
    past_of,
    past_supports,
)
from matching.rounds.round import Round
from matching.ui.formatting import markup
from matching.ui.sections.register.opened import OpenedRegister, opened_register
from matching.ui.state import cache, open_round, person

_MOST_PAST = 6


def offer_next_round(round_: Round) -> None:
    """Offer to begin the next round from the open one, and say all that it takes over."""
    with st.expander("Begin the next round from this one"):
        # A form of the open round; its tables are read only where someone looks at it.
        name = st.text_input("Name of the next round", open_round.suggested_name(), max_chars=80, key="next_name")
        days = st.radio(
            "Places and days that people offer",
            list(DAYS_CHOICES),
            index=1,
            format_func=DAYS_CHOICES.__getitem__,
            key="next_days",
        )
        going_on = st.checkbox(
            "Take over the open needs that nobody has agreed to support", value=True, key="next_needs"
        )
        st.html(
            markup.bullets(
                [
                    "Schools, people with their contact details, evidence, rules, rates and the settings of Today are "
                    "taken over as they stand now.",
                    "Who must not support a need stays barred from its school, as a conflict that you can remove "
                    "under People.",
                    "Who declined a need that goes on is not proposed for it again.",
                    "Beside each person you see whom they supported or declined, and how the schools rated it. No "
                    "score changes.",
                    "Messages, notes, visits and the plan stay in this round, which does not change.",
                ]
            )
        )
        begin = partial(_begun, round_, name.strip(), str(days), going_on)
        if st.button("Begin the next round", disabled=not name.strip()) and (begun := open_round.change(begin)):
            needs = counted(len(cache.rows_of(begun.sources, "needs")), "need")
            st.session_state["done"] = (
                f"This is the next round, with {needs} that nobody had agreed to support. "
                f"“{round_.name}” has not changed."
            )
            st.rerun()


def _begun(round_: Round, name: str, days: str, going_on: bool) -> Round:
    opened = opened_register(round_)
    needs = _open_needs(opened) if going_on else []
    tables = next_tables(
        round_.sources, opened.inputs, opened.state, opened.supporter_of, _days_of(opened), days, needs
    )
    evaluations = opened.state.support.evaluations
    ratings = {pair: RATINGS[said[-1].rating].lower() for pair, said in evaluations.items()}
    past = past_supports(round_.name, round_.events, opened.state, opened.inputs, ratings)
    settings = carried_settings(opened.state, by=person.who())
    return open_round.store().continue_from(round_, name, tables, past, settings, by=person.who())


def _open_needs(opened: OpenedRegister) -> list[str]:
    """Return the needs that are open or paused, and that nobody has agreed to support."""
    needs = opened.inputs.all_needs
    return [
        need_id
        for need_id, state in needs[["need_id", "state"]].itertuples(index=False, name=None)
        if state != "withdrawn" and opened.state.status_of(need_id, opened.supporter_of.get(need_id, "")) not in HELD
    ]


def _days_of(opened: OpenedRegister) -> Mapping[Pair, Decimal]:
    days = dict(opened.inputs.all_needs[["need_id", "days"]].itertuples(index=False, name=None))
    return {pair: opened.state.support.days_agreed(pair, days.get(pair[0], 0)) for pair in opened.supporter_of.items()}


# ---- what is known of earlier rounds -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Past:
    """What a round knows of earlier ones, in words; `schools` are the names by urn."""

    supports: Sequence[PastSupport]
    schools: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, round_: Round, inputs: Inputs) -> "Past":
        """Return what a round knows."""
        return cls(past_of(round_.events), dict(zip(inputs.schools["urn"], inputs.schools["name"], strict=True)))

    def lines(self, supporter_id: str, school_urn: str = "") -> list[str]:
        """Return what is known of a supporter: about this school first, and then the latest."""
        found = [one for one in reversed(self.supports) if one.supporter_id == supporter_id]
        found.sort(key=lambda one: one.school_urn != school_urn)
        words = [past_in_words(one, self.schools.get(one.school_urn, one.school_urn)) for one in found[:_MOST_PAST]]
        return [*words, *([f"and {len(found) - _MOST_PAST} more"] if len(found) > _MOST_PAST else [])]

    def show(self, supporter_id: str, school_urn: str = "") -> None:
        """Show what is known of a supporter, if anything is."""
        if lines := self.lines(supporter_id, school_urn):
            st.html(markup.paragraph("In earlier rounds:", quiet=True) + markup.bullets(lines))
