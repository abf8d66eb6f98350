"""How random cases are tried everywhere: the same ones on every machine, however slow it is."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    max_examples=30,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# S2S_HYPOTHESIS=deep tries all cases (see depth.py), the same ones on every machine. `-m "hypothesis or deeper"` selects
# the tests that it makes deeper. S2S_HYPOTHESIS=search tries other ones with every --hypothesis-seed, to look for faults.
settings.register_profile("deep", settings.get_profile("steady"), max_examples=100, print_blob=True)
settings.register_profile("search", settings.get_profile("deep"), derandomize=False)
settings.load_profile(os.environ.get("S2S_HYPOTHESIS", "steady"))
