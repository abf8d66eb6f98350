"""The screens' tuning numbers: how long people wait, and how much is read, shown or remembered.

An administrator can change them in a TOML file named by the environment variable `S2S_SCREENS`; each key is optional.
Tests put a `ScreenParams` of their own into the session under `PARAMS_KEY`. How many rows one table shows is decided
next to that table.
"""

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import streamlit as st
from pydantic import BaseModel, ConfigDict, Field

from matching.errors import DataError, Problem
from matching.tables.files import Source
from matching.tables.toml_files import read_model

SCREENS_VARIABLE = "S2S_SCREENS"
PARAMS_KEY = "screen_params"

Seconds = Annotated[float, Field(ge=0, le=3_600, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1)]


class ScreenParams(BaseModel):
    """The tuning numbers; every one has a default.

    Attributes
    ----------
    patience_s : float
        How long a screen waits for a plan before it shows the progress.
    live_plan_s, why_not_s, repairs_s : float
        How long the search may take for the live plan, for one why-not and for the repairs of one need: a coordinator
        may be on the telephone.
    database_wait_s : float
        How long a change waits for another program that writes to the database.
    longest_turn_s : float
        How long one click may hold up the others (see `scheduling`).
    download_kept_s : float
        How long a file that was asked for is kept for the browser to fetch.
    largest_file_mb : int
        The largest file that is read.
    rounds_remembered : int
        The newest rounds, in which the columns chosen for unknown headers are looked up.
    uploads_kept_days : int
        How long an upload that is not sound yet is kept after its last change.
    most_needs_edited : int
        Proposed needs that the table on *Who needs help* shows for editing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)

    patience_s: Seconds = 1.5
    live_plan_s: Seconds = 3.0
    why_not_s: Seconds = 3.5
    repairs_s: Seconds = 3.8
    database_wait_s: Seconds = 10.0
    longest_turn_s: Seconds = 0.5
    download_kept_s: Seconds = 60.0
    largest_file_mb: Count = 100
    rounds_remembered: Count = 5
    uploads_kept_days: Count = 14
    most_needs_edited: Count = 500


def screen_params() -> ScreenParams:
    """Return the numbers for this tab: those put into its session, or else the server's."""
    given: ScreenParams | None = st.session_state.get(PARAMS_KEY)
    return given or server_params()


def server_params() -> ScreenParams:
    """Return the numbers for all tabs: those in the file that `S2S_SCREENS` names, or else the defaults.

    Raises
    ------
    DataError
        The file cannot be read, or a value in it cannot be used.
    """
    return _params_in(os.environ.get(SCREENS_VARIABLE, ""))


@lru_cache(maxsize=8)
def _params_in(path: str) -> ScreenParams:
    if not path:
        return ScreenParams()
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        fix = f"Put the name of a TOML file into {SCREENS_VARIABLE}, or remove the variable."
        raise DataError([Problem(path, None, "", "", f"The file cannot be read ({error}).", fix)]) from error
    return read_model(ScreenParams, Source(path, content))
