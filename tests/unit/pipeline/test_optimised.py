"""Nothing that the lane does is left to an assertion, which `python -O` takes away."""

import subprocess
import sys

SCRIPT = """
from consumer.pipeline.partition_buffer import Lane
from consumer.request import Limits
from consumer.model import Call, Message, WriteKey
lane, key = Lane(0), WriteKey("", "k")
lane.add([Message(0, n, 0, None, b"", ()) for n in range(2)])
(part,) = lane.take(lambda m: Call(m, key, b"{}"), Limits(10, 1000, 10)).parts
(first,) = lane.split(part)
(second,) = lane.settle(first)
left = lane.settle(second)
print(list(left), lane.frontier)
"""


def test_an_optimised_interpreter_settles_as_well() -> None:
    done = subprocess.run([sys.executable, "-O", "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert done.stdout == "[] 2\n"
