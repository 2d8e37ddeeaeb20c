"""What the service says about an exception that it did not foresee: never the text, which could hold data."""

import logging
import traceback
from pathlib import Path

from consumer.errors import ServiceError

log = logging.getLogger(__name__)

_PACKAGE = Path(__file__).parent


def describe(error: BaseException) -> str:
    """The type of the exception, and the deepest line of our own code: `KeyError at consumer/jsonio.py:33`."""
    name = type(error).__name__
    lines = [(Path(frame.f_code.co_filename), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    own = [(path, line) for path, line in lines if path.is_relative_to(_PACKAGE)]
    if not own:
        return name
    path, line = own[-1]
    return f"{name} at {path.relative_to(_PACKAGE.parent)}:{line}"


def as_service_error(error: Exception) -> ServiceError:
    """The error with which the service ends."""
    if isinstance(error, ServiceError):
        return error
    stack = "".join(traceback.format_tb(error.__traceback__))  # without the text of the exception
    log.debug("internal error", extra={"stack": stack})
    return ServiceError(f"internal error: {describe(error)}")
