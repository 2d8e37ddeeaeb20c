"""Nothing that the partition buffer does is left to an assertion, which `python -O` removes."""

import subprocess
import sys

SCRIPT = """
from consumer.model import Record, TrackEvent, WriteKey
from consumer.pipeline.batch import BatchLimits, make_batch
from consumer.pipeline.partition_buffer import PartitionBuffer
from consumer.pipeline.rejections import NO_REJECTIONS, RejectionLimits
buffer, key, limits = PartitionBuffer(0), WriteKey("", "k"), BatchLimits(10, 1000, RejectionLimits(10))
buffer.add([Record(0, offset, 0, None, b"", ()) for offset in range(2)])
batch = make_batch(buffer.waiting_records, lambda record: TrackEvent(record, key, b"{}"), limits, NO_REJECTIONS)
(chunk,) = buffer.open(batch, limits, 0.0)
first, second = chunk.halves()
buffer.split(chunk, (first, second))
is_next = buffer.settle(first) is second
last = buffer.settle(second)
print(is_next, last, buffer.committable_offset)
"""


def test_an_optimised_interpreter_settles_as_well() -> None:
    process = subprocess.run([sys.executable, "-O", "-c", SCRIPT], capture_output=True, text=True, check=True)
    assert process.stdout == "True None 2\n"
