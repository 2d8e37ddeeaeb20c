"""HTTP/1.1 on one connection, with bounds for everything that a peer may send; the one module that knows h11."""

from collections.abc import Sequence

import h11

from consumer.http_client.messages import HttpError, HttpHeaders, HttpRequest, HttpResponse
from consumer.http_client.stream import SocketStream
from consumer.http_client.urls import HttpOrigin

MAX_HEAD_BYTES = 32_768
MAX_HEADERS = 200
MAX_INTERIM_RESPONSES = 10


class Connection:
    """
    A connection to an origin, for one request at a time.

    `has_answered` says whether a byte of the response to the last request arrived. `is_reusable` says whether another
    request may follow.
    """

    def __init__(self, origin: HttpOrigin, stream: SocketStream, expires_at: float) -> None:
        self.origin = origin
        self.stream = stream
        self.expires_at = expires_at
        self.idle_since = 0.0
        self.has_answered = False
        self._http = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD_BYTES)

    @property
    def is_reusable(self) -> bool:
        return self._http.our_state is h11.IDLE

    def exchange(self, request: HttpRequest, target: str, ends_at: float, max_response_bytes: int) -> HttpResponse:
        """Send the request and read its response. Raises HttpError; the connection must be closed then."""
        self.stream.ends_at = ends_at
        self.has_answered = False
        try:
            self._send(request, target)
        except HttpError as error:
            if error.reason != "write_error":
                raise
            # A server can answer and close before it read the whole request, for example with a 413.
        head = self._head()
        headers = HttpHeaders((name.decode("latin-1"), value.decode("latin-1")) for name, value in head.headers)
        body = self._body(max_response_bytes)
        if body is None:
            response = HttpResponse(head.status_code, headers, b"")
            raise HttpError("response_too_large", f"the response has more than {max_response_bytes} bytes", response)
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        return HttpResponse(head.status_code, headers, body)

    def connect(self, headers: Sequence[tuple[str, str]]) -> int:
        """Ask a proxy for a tunnel to the origin. The status of its response, whose body is not read."""
        self._send_event(h11.Request(method="CONNECT", target=self.origin.authority, headers=list(headers)))
        self._send_event(h11.EndOfMessage())
        return self._head().status_code

    def close(self) -> None:
        self.stream.close()

    def _send(self, request: HttpRequest, target: str) -> None:
        headers = [("Host", self.origin.host_header), *request.headers.items(), ("Accept-Encoding", "identity")]
        if request.content or request.method not in ("GET", "HEAD"):
            headers.append(("Content-Length", str(len(request.content))))
        try:
            self._send_event(h11.Request(method=request.method, target=target, headers=headers))
        except (h11.LocalProtocolError, UnicodeError):  # whose text can have the value of a header
            raise HttpError("invalid_request", "the request has a header or a URL that HTTP does not allow") from None
        if request.content:
            self._send_event(h11.Data(request.content))
        self._send_event(h11.EndOfMessage())

    def _send_event(self, event: h11.Event) -> None:
        for piece in self._http.send_with_data_passthrough(event) or ():
            self.stream.write(piece)

    def _head(self) -> h11.Response:
        for _ in range(MAX_INTERIM_RESPONSES + 1):
            event = self._next_event()
            if isinstance(event, h11.Response):
                if len(event.headers) > MAX_HEADERS:
                    raise _protocol_error("the response has too many headers")
                return event
        raise _protocol_error("the peer sends interim responses without end")

    def _body(self, max_bytes: int) -> bytes | None:
        """The whole body; None if it is larger."""
        pieces: list[bytes] = []
        length = 0
        while isinstance(event := self._next_event(), h11.Data):
            length += len(event.data)
            if length > max_bytes:
                return None
            pieces.append(bytes(event.data))
        return b"".join(pieces)

    def _next_event(self) -> object:
        is_ended = False
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                received = self.stream.read()
                is_ended = not received
                if is_ended and self._http.their_state is h11.SEND_RESPONSE:
                    raise _protocol_error("the peer closed the connection without a response")
                self.has_answered = True
                self._http.receive_data(received)
            return event
        except h11.RemoteProtocolError:  # whose text has words of the peer
            text = "the connection ended within the response" if is_ended else "the response is not valid HTTP"
            raise _protocol_error(text) from None


def _protocol_error(text: str) -> HttpError:
    return HttpError("remote_protocol_error", text)
