"""Where the product's CPU time goes: a member that samples its own loop at each tick of its CPU time."""

import json
import linecache
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

PROFILE = "BENCH_PROFILE"  # the environment variable with the file that the samples are written to
TICK = 0.004  # seconds; Linux counts CPU time in ticks of this length
MAX_ROWS = 25
C_CODE = "C code counts for the line that called it, and fastavro for iso_millis, which it calls for each time value."


class Samples:
    """
    How often each line was running in the loop's thread, and the functions around it.

    Python takes a sample when its own code continues. So C code counts for the line that called it or, because fastavro
    calls back for each time, for the line that it called. A tick of another thread counts for the loop's present line.
    """

    def __init__(self) -> None:
        self.lines: Counter[tuple[str, int, str]] = Counter()
        self.functions: Counter[tuple[str, str]] = Counter()

    def take(self, _: int, frame: FrameType | None) -> None:
        if frame:
            self.lines[frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname] += 1
        functions = set()
        while frame:
            functions.add((frame.f_code.co_filename, frame.f_code.co_qualname))
            frame = frame.f_back
        self.functions.update(functions)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({"lines": list(self.lines.items()), "functions": list(self.functions.items())}))


def main() -> None:
    """Run the service unchanged, and take samples."""
    from consumer.cli import run
    from consumer.cli.settings_source import SettingsSource

    samples = Samples()
    signal.signal(signal.SIGPROF, samples.take)
    signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
    run.deliver(SettingsSource())
    signal.setitimer(signal.ITIMER_PROF, 0)
    samples.write(Path(os.environ[PROFILE]))


def table(file: Path, events: int) -> str:
    """The functions with what they call, then the lines alone, in microseconds for an event."""
    samples: Any = json.loads(file.read_text())
    each = 1e6 * TICK / events
    lines = [C_CODE, "us an event, including all called functions:"]
    for (path, name), count in sorted(samples["functions"], key=lambda row: -row[1])[:MAX_ROWS]:
        lines.append(f"{count * each:8.2f}  {_short(path)} {name}")
    lines.append("us an event, in the line alone:")
    for (path, number, name), count in sorted(samples["lines"], key=lambda row: -row[1])[:MAX_ROWS]:
        text = (linecache.getline(path, number) if number else "").strip() or name
        lines.append(f"{count * each:8.2f}  {f'{_short(path)}:{number}':32}  {text}")
    return "\n".join(lines)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])


if __name__ == "__main__":
    main()
