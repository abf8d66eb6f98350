"""The weights, limits and rules of a run: a frozen `Policy`, read from TOML; `pairs` applies it."""

import re
from collections.abc import Iterable
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    field_validator,
    model_serializer,
    model_validator,
)

from matching.errors import DataError, did_you_mean, shown
from matching.tables.files import Source
from matching.tables.toml_files import as_problem, read_model, toml_keys, toml_value, with_tuples
from matching.tables.vocabulary import standard_vocabulary

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, le=1_000_000, allow_inf_nan=False)]
Limit = Annotated[int, Field(ge=1, le=1000)]
Kilometres = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]


def _known(word: str, known: Iterable[str], what: str) -> str:
    known = list(known)
    if word not in known:
        fix = did_you_mean(word, known, f"Known are: {', '.join(known)}.")
        raise ValueError(f"{shown(word)} is not a known {what}\n{fix}")
    return word


# Checked word by word, so that every unknown one is reported and not only the first.
DesignationCode = Annotated[
    str, AfterValidator(lambda word: _known(word, standard_vocabulary().designations, "designation"))
]
Specialism = Annotated[str, AfterValidator(lambda word: _known(word, standard_vocabulary().specialisms, "specialism"))]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Weights(_Section):
    """How much each fit counts in the score; only their proportions matter."""

    specialism: Weight = 0.5
    phase: Weight = 0.2
    distance: Weight = 0.3

    @property
    def total(self) -> float:
        """The sum of the weights, in the contract's order (specialism, phase, distance)."""
        return self.specialism + self.phase + self.distance

    @model_validator(mode="after")
    def _some_weight(self) -> "Weights":
        if self.total <= 0:
            raise ValueError("the three weights are all 0, and at least one must be higher")
        return self


class Rules(_Section):
    """Rules that a policy can switch.

    Attributes
    ----------
    max_supporters_per_school : int, optional
        Most supporters at one school; a supporter who serves several of its needs counts once.
    max_per_home_school : int, optional
        Most deployments of supporters from one home school.
    """

    same_trust: Literal["forbid", "allow"] = "forbid"
    same_federation: Literal["forbid", "allow"] = "forbid"
    max_supporters_per_school: Limit | None = None
    max_per_home_school: Limit | None = None

    @model_serializer(mode="wrap")
    def _without_absent_limits(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        # TOML has no null: a limit that is absent is no limit.
        return {key: value for key, value in written(self).items() if value is not None}


class RelatedFit(_Section):
    """The fit given to something that is related but not the same."""

    related: Share = 0.5


class Rerun(_Section):
    """The score that a rerun may give up to keep a deployment of the earlier plan."""

    change_cost: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.1

    @property
    def change_cost_milli(self) -> int:
        """The change cost in whole thousandths, as scores are."""
        return round(1000 * self.change_cost)


class Policy(_Section):
    """The weights, limits and rules of a run; every value has a default.

    Attributes
    ----------
    max_distance_km : dict of str to float
        Limit by designation, in km; a designation that is not named keeps its default.
    related_specialisms : dict of str to tuple of str
        For a focus, the specialisms that count as related to it.
    """

    weights: Weights = Weights()
    max_distance_km: dict[DesignationCode, Kilometres] = Field(default_factory=dict)
    rules: Rules = Rules()
    specialism_fit: RelatedFit = RelatedFit()
    related_specialisms: dict[Specialism, tuple[Specialism, ...]] = Field(default_factory=dict)
    phase_fit: RelatedFit = RelatedFit()
    rerun: Rerun = Rerun()

    def __init__(self, **sections: Any) -> None:
        """Take the sections by name; a section may be a mapping of its keys.

        Raises
        ------
        DataError
            With a `Problem` for each value that cannot be used; `column` is the key's dotted path.
        """
        try:
            super().__init__(**with_tuples(sections))
        except ValidationError as error:
            raise DataError(as_problem(type(self), "policy", detail) for detail in error.errors()) from error

    @field_validator("related_specialisms")
    @classmethod
    def _in_order(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        return {focus: tuple(sorted(set(value[focus]))) for focus in sorted(value)}

    @field_validator("max_distance_km")
    @classmethod
    def _every_designation(cls, value: dict[str, float]) -> dict[str, float]:
        designations = standard_vocabulary().designations
        return {code: value.get(code, one.max_distance_km) for code, one in designations.items()}


ROUND_SETTINGS = ("desk", "rates")
"""Sections of a policy file that are settings of a round: no run reads them."""

_FIX = "Start again from the policy template and change one value at a time."


def read_policy(source: Source) -> Policy:
    """Read a policy from TOML, gzipped or not; `ROUND_SETTINGS` are passed over.

    Raises
    ------
    DataError
        With a `Problem` for each value that cannot be used; `column` is the key's dotted path.
    """
    return read_model(Policy, source, _FIX, but=ROUND_SETTINGS)


def round_settings(source: Source) -> dict[str, Any]:
    """Return the `ROUND_SETTINGS` that a policy file has; a number with decimals is its text, so that it is exact.

    Raises
    ------
    DataError
        The file is not TOML.
    """
    keys = toml_keys(source, _FIX, numbers=str)
    return {name: value for name, value in keys.items() if name in ROUND_SETTINGS}


def without_settings(source: Source) -> Source:
    """Return a policy file without `ROUND_SETTINGS`: the file itself where it has none.

    Raises
    ------
    DataError
        As `read_policy`.
    """
    return Source(source.name, policy_toml(read_policy(source))) if round_settings(source) else source


def policy_toml(policy: Policy) -> bytes:
    """Write a policy as TOML with every key; `read_policy` returns an equal policy."""
    lines: list[str] = []
    for section, values in policy.model_dump(mode="json").items():
        lines += [f"[{section}]", *(f"{_toml_key(key)} = {toml_value(value)}" for key, value in values.items()), ""]
    return "\n".join(lines).encode("utf-8")


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_]+", key) else toml_value(key)
