"""The file of the audit log: whole lines, on the disk when `append` returns, and a new file after a rotation."""

import os
import stat

from consumer.errors import ServiceError

STANDARD_OUTPUT = "-"

# Without O_NONBLOCK, opening a pipe that nobody reads would wait without end.
_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
_MODE = 0o640


class AuditFile:
    """
    What `append` returned for is in the file, or in the pipe of the standard output.

    A file that was renamed or deleted is opened anew under its name before the next lines.
    """

    def __init__(self, path: str) -> None:
        """`path` is a file, or "-" for the standard output. Raises ServiceError."""
        self._path = path
        try:
            self._descriptor = 1 if path == STANDARD_OUTPUT else _open(path)
        except OSError as error:
            raise ServiceError(f"AUDIT_LOG: the file cannot be opened: {error.strerror}") from None

    def append(self, lines: bytes) -> None:
        """Write the lines, all or none. Raises OSError."""
        if self._path == STANDARD_OUTPUT:
            _write(self._descriptor, lines)
            return
        self._follow_rotation()
        size = os.fstat(self._descriptor).st_size
        try:
            _write(self._descriptor, lines)
            os.fdatasync(self._descriptor)
        except OSError:
            os.truncate(self._descriptor, size)  # the lines are written again, and a half line would spoil the next one
            raise

    def close(self) -> None:
        if self._path != STANDARD_OUTPUT:
            os.close(self._descriptor)

    def _follow_rotation(self) -> None:
        if _is_same_file(self._path, self._descriptor):
            return
        rotated, self._descriptor = self._descriptor, _open(self._path)
        os.close(rotated)


def _open(path: str) -> int:
    descriptor = os.open(path, _FLAGS, _MODE)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise OSError(0, "it is no regular file")


def _is_same_file(path: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))  # noqa: PTH116 - the module needs no Path
    except FileNotFoundError:
        return False


def _write(descriptor: int, lines: bytes) -> None:
    rest = memoryview(lines)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
