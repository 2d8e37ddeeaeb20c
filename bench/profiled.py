"""Where the product's CPU time goes: a member that looks at its own loop at each tick of its CPU time."""

import json
import linecache
import os
import signal
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any

PROFILE = "BENCH_PROFILE"  # names the file that the looks are written to
TICK = 0.004  # seconds; Linux counts CPU time no finer than by its own ticks
SHOWN = 25
C_CODE = "What C does counts for the line that called it, fastavro for iso_millis, which it calls for each time."


class Looks:
    """
    How often which line was under way in the loop's thread, and which functions around it.

    Python looks where its own code goes on: what C does counts for the line that called it or, as fastavro calls back
    for each time, for the line that it called. A tick of another thread counts for wherever the loop is.
    """

    def __init__(self) -> None:
        self.lines: Counter[tuple[str, int, str]] = Counter()
        self.functions: Counter[tuple[str, str]] = Counter()

    def look(self, _: int, frame: FrameType | None) -> None:
        if frame:
            self.lines[frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_qualname] += 1
        within = set()
        while frame:
            within.add((frame.f_code.co_filename, frame.f_code.co_qualname))
            frame = frame.f_back
        self.functions.update(within)

    def write(self, file: Path) -> None:
        file.write_text(json.dumps({"lines": list(self.lines.items()), "functions": list(self.functions.items())}))


def main() -> None:
    """What a profiled member runs: the service as ever."""
    from consumer.cli import run

    looks = Looks()
    signal.signal(signal.SIGPROF, looks.look)
    signal.setitimer(signal.ITIMER_PROF, TICK, TICK)
    run.main(None)
    signal.setitimer(signal.ITIMER_PROF, 0)
    looks.write(Path(os.environ[PROFILE]))


def table(file: Path, events: int) -> str:
    """The functions with what they call, then the lines by themselves, in microseconds an event."""
    looks: Any = json.loads(file.read_text())
    each = 1e6 * TICK / events
    lines = [C_CODE, "us an event, with all that is called from there:"]
    for (path, name), count in sorted(looks["functions"], key=lambda row: -row[1])[:SHOWN]:
        lines.append(f"{count * each:8.2f}  {_short(path)} {name}")
    lines.append("us an event, in the line itself:")
    for (path, number, name), count in sorted(looks["lines"], key=lambda row: -row[1])[:SHOWN]:
        text = (linecache.getline(path, number) if number else "").strip() or name
        lines.append(f"{count * each:8.2f}  {f'{_short(path)}:{number}':32}  {text}")
    return "\n".join(lines)


def _short(path: str) -> str:
    return "/".join(Path(path).parts[-2:])


if __name__ == "__main__":
    main()
