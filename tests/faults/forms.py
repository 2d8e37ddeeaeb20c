"""The forms of a trial: short ones for `make test`, long ones for `make faults`."""

import pytest

# Without the time that a broker takes to start.
SHORT = [pytest.mark.timeout(120, func_only=True)]
LONG = [pytest.mark.long, pytest.mark.timeout(300, func_only=True)]

# Where the group's protocol matters little, a short form in one of them is enough.
SHORT_IN_ONE_PROTOCOL = pytest.mark.parametrize(
    ("protocol", "is_long"),
    [
        pytest.param("consumer", False, id="consumer-short", marks=SHORT),
        pytest.param("consumer", True, id="consumer-long", marks=LONG),
        pytest.param("classic", True, id="classic-long", marks=LONG),
    ],
    indirect=True,
)
