"""Owns what generated tests are spared: a verdict on how fast the machine is."""

from hypothesis import HealthCheck, settings

# In a fresh clone hypothesis first makes its tables of Unicode, which alone takes a busy machine two seconds.
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")
