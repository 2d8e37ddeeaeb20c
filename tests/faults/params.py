"""Owns the forms of a fault test: short forms for `make test`, long forms for `make faults`."""

import itertools

import pytest

# The limits exclude the time that a broker needs to start.
SHORT = [pytest.mark.timeout(120, func_only=True)]
LONG = [pytest.mark.long, pytest.mark.timeout(300, func_only=True)]


def in_one_protocol(protocol: str) -> pytest.MarkDecorator:
    """One group protocol for both forms, for faults that depend little on the protocol."""
    return pytest.mark.parametrize("protocol", [protocol], indirect=True)


# Both group protocols for the long form, one for the short form: for faults that depend on the protocol.
SHORT_IN_ONE_PROTOCOL = pytest.mark.parametrize(
    ("protocol", "is_long"),
    [
        pytest.param("consumer", False, id="consumer-short", marks=SHORT),
        pytest.param("consumer", True, id="consumer-long", marks=LONG),
        pytest.param("classic", True, id="classic-long", marks=LONG),
    ],
    indirect=True,
)


# Only the long form, in both group protocols: for faults that share their mechanism with a short form.
ONLY_LONG = pytest.mark.parametrize(
    ("protocol", "is_long"),
    [pytest.param(protocol, True, id=f"{protocol}-long", marks=LONG) for protocol in ("consumer", "classic")],
    indirect=True,
)


def _membership(protocol: str, static: bool, is_long: bool) -> object:
    name = f"{protocol}-{'static' if static else 'dynamic'}-{'long' if is_long else 'short'}"
    return pytest.param(protocol, static, is_long, id=name, marks=LONG if is_long else SHORT)


# The long form has all four combinations of protocol and membership. The short form has each protocol and each kind of
# membership once.
WITH_MEMBERSHIPS = pytest.mark.parametrize(
    ("protocol", "static", "is_long"),
    [
        _membership("consumer", False, False),
        _membership("classic", True, False),
        *(
            _membership(protocol, static, True)
            for protocol, static in itertools.product(("consumer", "classic"), (False, True))
        ),
    ],
    indirect=["protocol", "is_long"],
)
