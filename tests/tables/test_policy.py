import gzip
import json
import tomllib

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from tiny import faults_of

from matching.errors import DataError
from matching.tables.files import Source
from matching.tables.policy import Policy, policy_toml, read_policy
from matching.tables.vocabulary import standard_vocabulary

WORDS = standard_vocabulary()
CHANGE = "Change the value, or leave the key out for the default."
CONTRACT = """
[weights]
specialism = 0.5
phase = 0.2
distance = 0.3
[max_distance_km]
NLE = 80
LLE = 40
SLE = 40
[rules]
same_trust = "forbid"            # or "allow"
same_federation = "forbid"       # or "allow"
[specialism_fit]
related = 0.5
[related_specialisms]            # focus = ["specialism", ...]
[phase_fit]
related = 0.5
[rerun]
change_cost = 0.1
"""


def policy(text: str | bytes) -> Policy:
    return read_policy(Source("policy.toml", text.encode() if isinstance(text, str) else text))


def faults(text: str | bytes) -> list[str]:
    return faults_of(lambda: policy(text))


# Defaults


def test_the_contract_s_file_says_the_defaults():
    assert policy(CONTRACT) == policy("") == Policy()


@pytest.mark.parametrize("section", tomllib.loads(CONTRACT))
def test_an_empty_section_equals_the_defaults(section):
    assert policy(f"[{section}]\n") == Policy()


def test_the_defaults_are_the_contract_s():
    assert Policy().model_dump(mode="json") == tomllib.loads(CONTRACT)


def test_a_byte_order_mark_and_the_line_ends_of_windows_do_not_matter():
    assert policy(b"\xef\xbb\xbf" + CONTRACT.replace("\n", "\r\n").encode()) == Policy()


def test_a_packed_policy_is_read_as_any_other_file():
    assert (
        read_policy(Source("policy.toml.gz", gzip.compress(b"[rerun]\nchange_cost = 0.5\n"))).rerun.change_cost == 0.5
    )


# Values


def test_each_value_can_be_set():
    text = """
        weights = {specialism = 3, phase = 0, distance = 1}
        max_distance_km = {NLE = 100.5, LLE = 5, SLE = 1}
        rules = {same_trust = "allow", same_federation = "allow"}
        specialism_fit = {related = 0}
        phase_fit = {related = 1}
        related_specialisms = {phonics = ["early years", "English"], maths = []}
        rerun = {change_cost = 0}
    """
    assert policy(text).model_dump(mode="json") == {
        "weights": {"specialism": 3, "phase": 0, "distance": 1},
        "max_distance_km": {"NLE": 100.5, "LLE": 5, "SLE": 1},
        "rules": {"same_trust": "allow", "same_federation": "allow"},
        "specialism_fit": {"related": 0},
        "phase_fit": {"related": 1},
        "related_specialisms": {"phonics": ["English", "early years"], "maths": []},
        "rerun": {"change_cost": 0},
    }
    assert policy(text).weights.total == 4


def test_a_designation_that_is_not_named_keeps_its_limit():
    assert policy("[max_distance_km]\nLLE = 10\n").max_distance_km == {"NLE": 80, "LLE": 10, "SLE": 40}


def test_related_specialisms_have_no_order_and_no_repeats():
    one = policy('[related_specialisms]\nphonics = ["English", "early years"]\nart = ["drama", "drama"]\n')
    other = policy('[related_specialisms]\nart = ["drama"]\nphonics = ["early years", "English"]\n')
    assert one == other
    assert json.dumps(one.model_dump(mode="json")) == json.dumps(other.model_dump(mode="json"))


def test_a_policy_is_frozen():
    for name in Policy.model_fields:
        with pytest.raises(ValidationError, match="Instance is frozen"):
            setattr(Policy(), name, getattr(Policy(), name))
    with pytest.raises(ValidationError, match="Instance is frozen"):
        Policy().weights.phase = 0.9


def test_policies_share_nothing_that_can_be_changed():
    assert Policy().max_distance_km is not Policy().max_distance_km
    assert Policy().related_specialisms is not Policy().related_specialisms


# What cannot be used


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        (
            "[weights]\nphase = -1\n",
            "weights.phase",
            "'-1' cannot be used. Input should be greater than or equal to 0.",
        ),
        ("[weights]\nphase = 1e9\n", "weights.phase", "Input should be less than or equal to 1000000."),
        ("[weights]\nphase = nan\n", "weights.phase", "'nan' cannot be used. Input should be a finite number."),
        ("[weights]\nphase = inf\n", "weights.phase", "'inf' cannot be used. Input should be a finite number."),
        ('[weights]\nphase = "0.5"\n', "weights.phase", "'0.5' cannot be used. Input should be a valid number."),
        ("[weights]\nphase = true\n", "weights.phase", "'True' cannot be used. Input should be a valid number."),
        ("[weights]\nphase = [1]\n", "weights.phase", "'[1]' cannot be used. Input should be a valid number."),
        ("[weights]\nphase = 2026-01-01\n", "weights.phase", "'2026-01-01' cannot be used."),
        ("[weights.phase]\nprimary = 1\n", "weights.phase", "Input should be a valid number."),
        ("weights = 5\n", "weights", "'5' cannot be used. Input should be a valid dictionary"),
        ("weights = []\n", "weights", "'[]' cannot be used. Input should be a valid dictionary"),
        (
            "weights = {specialism = 0, phase = 0, distance = 0}\n",
            "weights",
            "The three weights are all 0, and at least one must be higher.",
        ),
        ("[max_distance_km]\nNLE = 0\n", "max_distance_km.NLE", "'0' cannot be used. Input should be greater than 0."),
        ("[max_distance_km]\nNLE = 10001\n", "max_distance_km.NLE", "Input should be less than or equal to 10000."),
        ('[max_distance_km]\nNLE = "far"\n', "max_distance_km.NLE", "'far' cannot be used."),
        (
            '[rules]\nsame_trust = "maybe"\n',
            "rules.same_trust",
            "'maybe' cannot be used. Input should be 'forbid' or 'allow'.",
        ),
        ("[rules]\nsame_trust = true\n", "rules.same_trust", "Input should be 'forbid' or 'allow'."),
        ("[specialism_fit]\nrelated = 1.5\n", "specialism_fit.related", "Input should be less than or equal to 1."),
        ("[phase_fit]\nrelated = -0.1\n", "phase_fit.related", "Input should be greater than or equal to 0."),
        ("[rerun]\nchange_cost = 2\n", "rerun.change_cost", "Input should be less than or equal to 1."),
        ('[related_specialisms]\nmaths = "science"\n', "related_specialisms.maths", "'science' cannot be used."),
        ("[related_specialisms]\nmaths = [3]\n", "related_specialisms.maths.0", "'3' cannot be used."),
        ('related_specialisms = ["maths"]\n', "related_specialisms", "Input should be a valid dictionary."),
    ],
)
def test_a_value_that_cannot_be_used_is_a_problem(text, path, message):
    (fault,) = faults(text)
    assert fault.startswith(f"policy.toml, column {path}: ")
    assert message in fault
    assert fault.endswith(CHANGE)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[wieghts]\n", "column wieghts: This key is not known. Did you mean 'weights'?"),
        ("[weights]\nphaze = 1\n", "column weights.phaze: This key is not known. Did you mean 'phase'?"),
        (
            "[rerun]\nmoves = 1\n",
            "column rerun.moves: This key is not known. Known here are: change_cost.",
        ),
        (
            "colour = 1\n",
            "column colour: This key is not known. Known here are: weights, max_distance_km, rules, specialism_fit, "
            "related_specialisms, phase_fit, rerun.",
        ),
    ],
)
def test_a_key_that_is_not_known_is_a_problem(text, fault):
    assert faults(text) == [f"policy.toml, {fault}"]


def test_a_designation_that_is_not_known_is_a_problem():
    (fault,) = faults("[max_distance_km]\nXLE = 3\n")
    assert "'XLE' is not a known designation. Known are: NLE, LLE, SLE." in fault


@pytest.mark.parametrize("text", ['phonix = ["maths"]', 'maths = ["phonix"]'])
def test_a_specialism_that_is_not_known_is_a_problem(text):
    (fault,) = faults(f"[related_specialisms]\n{text}\n")
    assert fault.endswith("'phonix' is not a known specialism. Did you mean 'phonics'?")


def test_headship_is_no_specialism():
    (fault,) = faults('[related_specialisms]\nheadship = ["maths"]\n')
    assert "'headship' is not a known specialism. Known are: academies" in fault


def test_a_strange_word_does_not_cut_its_message_in_two():
    (fault,) = faults('[related_specialisms]\nmaths = ["a|b"]\n')
    assert "'a|b' is not a known specialism. Known are: academies" in fault


def test_all_faults_are_told_at_once():
    text = """
        colour = 1
        [weights]
        phase = -1
        phaze = 1
        [rules]
        same_trust = "maybe"
        [max_distance_km]
        NLE = -1
        XLE = 3
        [related_specialisms]
        phonix = ["maths"]
        maths = ["sceince"]
    """
    told = "\n".join(faults(text))
    for word in ("colour", "weights.phase", "weights.phaze", "same_trust", "max_distance_km.NLE", "phonix"):
        assert word in told, word


def test_every_unknown_designation_is_told():
    told = "\n".join(faults("[max_distance_km]\nXLE = 3\nYLE = 3\n"))
    assert "'XLE'" in told
    assert "'YLE'" in told


def test_an_unknown_word_is_told_at_its_key():
    assert faults("[max_distance_km]\nXLE = 3\nNLE = 0\n") == [
        f"policy.toml, column max_distance_km.NLE: '0' cannot be used. Input should be greater than 0. {CHANGE}",
        "policy.toml, column max_distance_km.XLE: 'XLE' is not a known designation. Known are: NLE, LLE, SLE.",
    ]


def test_a_damaged_packed_policy_is_a_problem():
    assert faults(b"\x1f\x8bjunk") == [
        "policy.toml: This .gz file is damaged and cannot be unpacked. Download or make it again."
    ]


def test_every_unknown_specialism_is_told():
    told = "\n".join(faults('[related_specialisms]\nphonix = ["musik"]\nmaths = ["sceince"]\n'))
    for word in ("phonix", "musik", "sceince"):
        assert f"'{word}'" in told


@pytest.mark.parametrize(
    ("content", "detail"),
    [
        (b"[weights", "(Expected ']' at the end of a table declaration"),
        (b"phase: 0.5\n", "(Expected '=' after a key in a key/value pair"),
        (b"[weights]\nphase = 0,5\n", "(Expected newline or end of document after a statement"),
        (b"a = 1\na = 2\n", "(Cannot overwrite a value"),
        (CONTRACT.encode("utf-16"), "('utf-8' codec can't decode byte"),
        (b"\0", "(Invalid statement"),
    ],
)
def test_a_file_that_is_no_toml_is_a_problem(content, detail):
    (fault,) = faults(content)
    assert fault.startswith(f"policy.toml: This is not a TOML file that can be read {detail}")
    assert fault.endswith("Start again from the policy template and change one value at a time.")


@pytest.mark.parametrize(
    "content",
    [b"a = " + b"[" * 5000, b"[weights]\nphase = " + b"9" * 5000, b"[weights]\nphase = 0x" + b"f" * 5000],
    ids=["deep", "long number", "long hexadecimal number"],
)
def test_a_file_made_to_break_the_reader_is_a_problem(content):
    assert all(len(fault) < 1000 for fault in faults(content))


@given(st.binary(max_size=100))
@example(b"[weights]\nphase = 1" + b"0" * 400)
def test_any_bytes_are_a_policy_or_refused(content):
    try:
        assert isinstance(policy(content), Policy)
    except DataError as error:
        assert error.problems


SCALARS = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.text(max_size=5), st.dates(), st.just([]), st.just({}), st.just([{}])
)


@given(
    st.dictionaries(
        st.sampled_from([*Policy.model_fields, "other"]),
        SCALARS
        | st.dictionaries(
            st.sampled_from(["specialism", "phase", "related", "same_trust", "change_cost", "NLE", "maths", "other"]),
            SCALARS | st.lists(SCALARS, max_size=2),
            max_size=3,
        ),
        max_size=4,
    )
)
def test_any_values_are_a_policy_or_refused(keys):
    try:
        assert isinstance(policy(as_toml(keys)), Policy)
    except DataError as error:
        assert all(problem.message and problem.fix for problem in error.problems)


def as_toml(keys: dict[str, object]) -> str:
    return "".join(f"{key} = {toml_value(value)}\n" for key, value in keys.items())


def toml_value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml_value(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007F")
    return str(value)


# Written again


@st.composite
def policies(draw) -> Policy:
    share = st.floats(0, 1)
    weight = st.one_of(st.floats(0, 1_000_000), st.integers(0, 10))
    related = st.dictionaries(
        st.sampled_from(WORDS.specialisms),
        st.lists(st.sampled_from(WORDS.specialisms), max_size=3).map(tuple),
        max_size=3,
    )
    return Policy.model_validate(
        {
            "weights": {"specialism": draw(weight), "phase": draw(weight), "distance": draw(weight) + 1},
            "max_distance_km": draw(
                st.dictionaries(st.sampled_from(list(WORDS.designations)), st.floats(0.001, 10_000))
            ),
            "rules": {name: draw(st.sampled_from(["forbid", "allow"])) for name in ("same_trust", "same_federation")},
            "specialism_fit": {"related": draw(share)},
            "phase_fit": {"related": draw(share)},
            "related_specialisms": draw(related),
            "rerun": {"change_cost": draw(share)},
        }
        if draw(st.booleans())
        else {}
    )


@given(policies())
def test_a_policy_that_is_written_is_read_again(one):
    assert policy(policy_toml(one)) == one
