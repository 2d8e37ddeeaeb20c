"""The file of the audit log: whole lines, on the disk when `append` returns, and a new file after a rotation."""

import os
import stat

from consumer.errors import ServiceError

STANDARD_OUTPUT = "-"
_LINE_BREAK = b"\n"

# Without O_NONBLOCK, opening a pipe that nobody reads would wait without end.
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC
_MODE = 0o640


class AuditFile:
    """
    What `append` returned for is in the file, or in the pipe of the standard output.

    A file that was renamed or deleted is opened anew under its name before the next lines. Nothing is ever removed from
    the file, because another process can write to it. Lines behind a half line, which a crash or a full disk left,
    begin with a line break.
    """

    def __init__(self, path: str) -> None:
        """`path` is a file, or "-" for the standard output. Raises ServiceError."""
        self._path = path
        try:
            self._descriptor = 1 if path == STANDARD_OUTPUT else _open(path)
            self._last_byte = _LINE_BREAK  # of what was written to the standard output
        except OSError as error:
            raise ServiceError(f"AUDIT_LOG: the file cannot be opened: {error.strerror}") from None

    def append(self, lines: bytes) -> None:
        """Write the lines. Raises OSError, and then a part of them can be written, up to the middle of a line."""
        if self._path == STANDARD_OUTPUT:
            self._write(lines if self._last_byte == _LINE_BREAK else _LINE_BREAK + lines)
            return
        self._follow_rotation()
        self._write(_LINE_BREAK + lines if _is_torn(self._descriptor) else lines)
        os.fdatasync(self._descriptor)

    def close(self) -> None:
        if self._path != STANDARD_OUTPUT:
            os.close(self._descriptor)

    def _write(self, lines: bytes) -> None:
        rest = memoryview(lines)
        while rest:
            written = os.write(self._descriptor, rest)
            self._last_byte, rest = bytes(rest[written - 1 : written]), rest[written:]

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


def _is_torn(descriptor: int) -> bool:
    """Whether the file ends in the middle of a line."""
    size = os.fstat(descriptor).st_size
    return size > 0 and os.pread(descriptor, 1, size - 1) != _LINE_BREAK
