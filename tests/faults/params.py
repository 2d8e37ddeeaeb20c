"""The forms of a trial: short ones for `make test`, long ones for `make faults`."""

import itertools

import pytest

# Without the time that a broker takes to start.
SHORT = [pytest.mark.timeout(120, func_only=True)]
LONG = [pytest.mark.long, pytest.mark.timeout(300, func_only=True)]


def in_one_protocol(protocol: str) -> pytest.MarkDecorator:
    """Where the group's protocol matters little, one of them is enough for both forms."""
    return pytest.mark.parametrize("protocol", [protocol], indirect=True)


# Where it matters more, for the short form alone.
SHORT_IN_ONE_PROTOCOL = pytest.mark.parametrize(
    ("protocol", "is_long"),
    [
        pytest.param("consumer", False, id="consumer-short", marks=SHORT),
        pytest.param("consumer", True, id="consumer-long", marks=LONG),
        pytest.param("classic", True, id="classic-long", marks=LONG),
    ],
    indirect=True,
)


def _with_names(protocol: str, static: bool, is_long: bool) -> object:
    name = f"{protocol}-{'static' if static else 'dynamic'}-{'long' if is_long else 'short'}"
    return pytest.param(protocol, static, is_long, id=name, marks=LONG if is_long else SHORT)


# With static membership and without: all four in the long form, of the short ones each protocol and each kind once.
WITH_NAMES = pytest.mark.parametrize(
    ("protocol", "static", "is_long"),
    [
        _with_names("consumer", False, False),
        _with_names("classic", True, False),
        *(_with_names(*way, True) for way in itertools.product(("consumer", "classic"), (False, True))),
    ],
    indirect=["protocol", "is_long"],
)
