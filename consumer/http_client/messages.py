"""HTTP messages as values: a request, its response, and the error of a request that has no response."""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field

_TEMPORARY = ("_timeout", "connect_error", "read_error", "write_error")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """
    One request. `url` is absolute.

    The client itself adds Host, Content-Length and Accept-Encoding. Headers and content can hold secrets, so `repr`
    shows neither.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response that was read to its end. `headers` ignore upper and lower case in names."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)


class HttpError(Exception):
    """
    A request without a whole response. The text has words of ours, of OpenSSL or of the system, never of a peer.

    `reason` is a snake_case word. `__cause__` is the error of the system, if there is one. `response` is the response
    without its body, if the reason is `response_too_large`.
    """

    def __init__(self, reason: str, text: str, response: HttpResponse | None = None) -> None:
        super().__init__(text)
        self.reason = reason
        self.response = response


def is_temporary(error: HttpError) -> bool:
    """
    Whether the same request can succeed without a change of a setting: a timeout, or a peer that cannot be reached.

    Not what TLS refuses, a proxy that refuses, or a response that is no HTTP.
    """
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, ssl.SSLError):
            return False
        cause = cause.__cause__
    return error.reason.endswith(_TEMPORARY) or error.reason == "proxy_error"


def is_temporary_status(status: int) -> bool:
    """Whether a peer with this HTTP status can give another answer to the same request."""
    return status in (408, 429) or 500 <= status < 600


def system_error(action: str, error: OSError, late: str = "the deadline of the request is over") -> HttpError:
    """The error of `connect`, `read` or `write`; raise it from `error`. `late` says what took too long."""
    if isinstance(error, TimeoutError) and error.errno is None:  # with a number it is an answer of the system
        return HttpError(f"{action}_timeout", late)
    return HttpError(f"{action}_error", str(error))
