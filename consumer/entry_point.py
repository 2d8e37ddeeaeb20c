"""The first lines of the process: signals have their effect before anything slow is imported."""

import logging
import os
import signal
import sys
from types import FrameType

from consumer.signals import take_for_process


def main() -> None:
    """Run a command. A service ends at its end, whatever threads of libraries still wait for."""
    is_service = sys.argv[1:2] == ["run"]
    if is_service:
        take_for_process()
    else:
        signal.signal(signal.SIGTERM, _end)  # the first process of a container has no handler of its own
    from consumer.cli.main import main as run_command

    try:
        run_command()
    except SystemExit as end:
        if is_service:
            _end_now(end.code)
        raise


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _end_now(code: str | int | None) -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
