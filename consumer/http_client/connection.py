"""HTTP/1.1 on one connection, with httpcore, and bounds for everything that a peer may send."""

from collections.abc import Sequence

import httpcore
import httpx

from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse
from consumer.http_client.stream import SocketStream
from consumer.http_client.urls import address, authority

MAX_HEAD_BYTES = 32_768  # of all interim responses and the response; httpcore bounds chunks and trailers by 100 KiB
MAX_HEADERS = 200


class Connection:
    """
    A connection to the server of a URL, for one request at a time.

    `has_answered` says whether a byte of the response to the last request arrived.
    """

    def __init__(self, url: httpx.URL, stream: SocketStream, expires_at: float) -> None:
        self.stream = stream
        self.expires_at = expires_at
        self.idle_since = 0.0
        self._http = httpcore.HTTP11Connection(_httpcore_url(url).origin, stream)

    @property
    def has_answered(self) -> bool:
        return self.stream.has_received

    @property
    def is_reusable(self) -> bool:
        """Whether another request may follow: not if bytes are here already that would be taken for its response."""
        surplus, _ = self._http._h11_state.trailing_data  # noqa: SLF001 - httpcore has no other way to ask
        return self._http.is_idle() and not surplus

    def leads_to(self, url: httpx.URL) -> bool:
        return self._http.can_handle_request(_httpcore_url(url).origin)

    def has_ended(self) -> bool:
        """Whether the peer closed the idle connection, or sent what no request asked for."""
        return self._http.has_expired()

    def exchange(self, request: HttpRequest, url: httpx.URL, ends_at: float, max_response_bytes: int) -> HttpResponse:
        """Send the request to its URL and read the response. Raises HttpError; the connection must be closed then."""
        response = self._begun_response(_httpcore_request(request, url), ends_at)
        body = self._body(response, max_response_bytes)
        headers = httpx.Headers(response.headers)
        if body is None:
            cut = HttpResponse(response.status, headers, b"")
            raise HttpError("response_too_large", f"the response has more than {max_response_bytes} bytes", cut)
        return HttpResponse(response.status, headers, body)

    def connect(self, url: httpx.URL, headers: Sequence[tuple[str, str]]) -> int:
        """Ask a proxy for a tunnel to the server of a URL. The status of its response, whose body is not read."""
        target = authority(*address(url)).encode()
        request = httpcore.Request("CONNECT", _httpcore_url(url, target), headers=list(headers))
        return self._begun_response(request, self.stream.ends_at).status

    def close(self) -> None:
        self._http.close()

    def _begun_response(self, request: httpcore.Request, ends_at: float) -> httpcore.Response:
        """The response to the request, whose body is not read yet."""
        self.stream.begin(ends_at, MAX_HEAD_BYTES)
        try:
            response = self._http.handle_request(request)
        except httpcore.LocalProtocolError:  # whose text can have the value of a header
            raise _invalid_request() from None
        except httpcore.RemoteProtocolError:  # whose text has words of the peer
            raise self._protocol_error("the peer closed the connection without a response") from None
        self.stream.end_head()
        if len(response.headers) > MAX_HEADERS:
            raise HttpError("remote_protocol_error", "the response has too many headers")
        return response

    def _body(self, response: httpcore.Response, max_bytes: int) -> bytes | None:
        """The whole body; None if it is larger."""
        pieces: list[bytes] = []
        length = 0
        try:
            for piece in response.iter_stream():
                length += len(piece)
                if length > max_bytes:
                    return None
                pieces.append(piece)
        except httpcore.RemoteProtocolError:  # whose text has words of the peer
            raise self._protocol_error("the connection ended within the response") from None
        finally:
            response.close()
        return b"".join(pieces)

    def _protocol_error(self, text_at_end: str) -> HttpError:
        text = text_at_end if self.stream.has_ended else "the response is not valid HTTP"
        return HttpError("remote_protocol_error", text)


def _httpcore_request(request: HttpRequest, url: httpx.URL) -> httpcore.Request:
    headers = {**request.headers, "Accept-Encoding": "identity"}  # so that no small response unpacks into a large one
    try:
        raw_headers = httpx.Request(request.method, url, headers=headers, content=request.content).headers.raw
    except UnicodeError:  # whose text can have the value of a header
        raise _invalid_request() from None
    return httpcore.Request(request.method, _httpcore_url(url), headers=raw_headers, content=request.content)


def _httpcore_url(url: httpx.URL, target: bytes = b"") -> httpcore.URL:
    return httpcore.URL(scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=target or url.raw_path)


def _invalid_request() -> HttpError:
    return HttpError("invalid_request", "the request has a header or a URL that HTTP does not allow")
