"""How random cases are tried everywhere: the same ones on every machine, however slow it is."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "steady",
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# S2S_HYPOTHESIS=deep tries more cases, and other ones with every --hypothesis-seed; `-m "hypothesis or deeper"` selects
# the tests that it makes deeper.
settings.register_profile("deep", settings.get_profile("steady"), derandomize=False, max_examples=400, print_blob=True)
settings.load_profile(os.environ.get("S2S_HYPOTHESIS", "steady"))
