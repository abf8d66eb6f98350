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
# S2S_HYPOTHESIS=search tries new cases on every run: for an afternoon of looking for faults, not for CI.
settings.register_profile("search", settings.get_profile("steady"), derandomize=False, max_examples=300)
settings.load_profile(os.environ.get("S2S_HYPOTHESIS", "steady"))
