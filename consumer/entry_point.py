"""The first lines of the process: signals have their effect before anything slow is imported."""

import errno
import logging
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from consumer.signals import take_for_process

_UNWRITABLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def main() -> None:
    """Run a command. A service ends at its end, whatever threads of libraries still wait for."""
    _open_closed_outputs()
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
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        sys.stderr.write(f"the output cannot be written: {error.strerror}\n")
        os._exit(1)  # Python would try to write the rest again


def _open_closed_outputs() -> None:
    """What is printed to an output that was closed (`>&-`) is dropped, because Python then has no output."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end of the process
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - open to the end of the process


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _end_now(code: str | int | None) -> None:
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))
