"""The duration of a start: from the process's start to its first delivered batch, and the share of imports."""

import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Mapping

from bench import rounds
from bench.broker import Broker
from bench.processes import segment

TIMES = 5
IMPORTS = "import time; import consumer.cli.run; print(time.process_time())"


def run(broker: Broker, settings: Mapping[str, str]) -> Mapping[str, float]:
    """Medians in seconds: to the first batch, to the service's first line, and the CPU time of a bare import."""
    topic = broker.topic()
    broker.fill(topic, broker.partitions * 10)
    starts = [_start(broker, topic, settings) for _ in range(TIMES)]
    imports = [
        float(subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, check=True).stdout)
        for _ in range(TIMES)
    ]
    return {
        "to_first_batch": round(statistics.median(first for _, first in starts), 2),
        "to_first_line": round(statistics.median(line for line, _ in starts), 2),
        "import_cpu": round(statistics.median(imports), 2),
    }


def _start(broker: Broker, topic: str, settings: Mapping[str, str]) -> tuple[float, float]:
    """Seconds to the service's first line, and to the first batch."""
    with segment() as stand_in:
        started_at = time.time()
        route = rounds.Route(broker, topic, stand_in)
        with rounds.member(route, f"start-{uuid.uuid4().hex[:8]}", settings):
            line = time.time() - started_at
            rounds.wait_until(lambda: bool(stand_in.counts()["requests"]), "the first batch")
            return line, stand_in.counts()["first_at"] - started_at
