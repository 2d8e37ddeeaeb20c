"""One HTTP request and its response as bytes, without a socket: how much of a request is read, and what it gets."""

from email.utils import formatdate
from http import HTTPStatus

import h11

from consumer.internal_errors import describe
from consumer.observability.pages import Page, Pages, problem
from consumer.web import HEADERS

MAX_REQUEST_BYTES = 8192
_METHODS = ("GET", "HEAD")


class HttpExchange:
    """Keeps at most `MAX_REQUEST_BYTES` of the request, and reads no body."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_REQUEST_BYTES - 1)
        self._received_bytes = 0

    def receive(self, data: bytes) -> bytes:
        """The response, b"" while the request is incomplete. `data` is what arrived since the last call, not empty."""
        kept = data[: MAX_REQUEST_BYTES - self._received_bytes]
        self._received_bytes += len(kept)
        self._connection.receive_data(kept)
        try:
            event = self._connection.next_event()
        except h11.RemoteProtocolError as error:  # its text repeats what the client sent
            status = HTTPStatus(error.error_status_hint)
            return self._response(problem(status, status.phrase.lower()), "GET")
        if not isinstance(event, h11.Request):
            return b""
        method, path = event.method.decode(), event.target.decode().partition("?")[0]
        return self._response(self._page(method, path), method)

    def _page(self, method: str, path: str) -> Page:
        if method not in _METHODS:
            return problem(HTTPStatus.METHOD_NOT_ALLOWED, "only GET and HEAD")
        if path not in self._pages:
            return problem(HTTPStatus.NOT_FOUND, "not found")
        try:
            return self._pages[path]()
        except Exception as error:  # noqa: BLE001 - a defect of ours: the client learns where, and others are served
            return problem(HTTPStatus.INTERNAL_SERVER_ERROR, f"internal error: {describe(error)}")

    def _response(self, page: Page, method: str) -> bytes:
        headers = {
            "Date": formatdate(usegmt=True),
            "Content-Type": page.content_type,
            "Content-Length": str(len(page.text)),
            "Allow": ", ".join(_METHODS),
            "Connection": "close",
            **HEADERS,
        }
        response = h11.Response(status_code=page.status, reason=page.status.phrase, headers=list(headers.items()))
        head: bytes = self._connection.send(response)
        return head if method == "HEAD" else head + page.text
