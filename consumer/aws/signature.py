"""Signature Version 4: how AWS knows who sends a request (AWS General Reference, "Signature Version 4")."""

import hashlib
import hmac
from datetime import datetime
from urllib.parse import quote

from consumer.aws.credentials import Credentials
from consumer.http_client.messages import HttpRequest
from consumer.http_client.urls import parse

ALGORITHM = "AWS4-HMAC-SHA256"


def scope(now: datetime, region: str, service: str) -> str:
    """What a signature is valid for: the day, in UTC, the region and the service."""
    return f"{now:%Y%m%d}/{region}/{service}/aws4_request"


def timestamp(now: datetime) -> str:
    """The time of a signature; `now` is in UTC."""
    return now.strftime("%Y%m%dT%H%M%SZ")


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def signature(secret: str, signed_at: datetime, signed_scope: str, canonical_request: str) -> str:
    """The signature of a canonical request, in hex."""
    key = f"AWS4{secret}".encode()
    for scope_element in signed_scope.split("/"):
        key = _hmac(key, scope_element)
    text = f"{ALGORITHM}\n{timestamp(signed_at)}\n{signed_scope}\n{digest(canonical_request.encode())}"
    return _hmac(key, text).hex()


def signed(request: HttpRequest, signer: Credentials, now: datetime, region: str, service: str) -> HttpRequest:
    """
    The request with the headers of a signature by `signer`.

    The URL has no query. Each header is signed, with the host, the time and the session; but not the User-Agent, which
    a proxy may change (botocore does not sign it either). Host and path are those that the client sends: the host is in
    lower case, without the port of its scheme. Raises HttpError for a URL that the client cannot send to.
    """
    url = parse(request.url)
    headers = {**request.headers, "X-Amz-Date": timestamp(now)}
    if signer.session:
        headers["X-Amz-Security-Token"] = signer.session
    lower = {name.lower(): value for name, value in {**headers, "host": url.netloc.decode()}.items()}
    lower.pop("user-agent", None)
    lines = "".join(f"{name}:{lower[name]}\n" for name in sorted(lower))
    names = ";".join(sorted(lower))
    path = quote(url.raw_path.decode(), safe="/~")
    canonical = f"{request.method}\n{path}\n\n{lines}\n{names}\n{digest(request.content)}"
    signed_scope = scope(now, region, service)
    proof = signature(signer.secret, now, signed_scope, canonical)
    headers["Authorization"] = (
        f"{ALGORITHM} Credential={signer.key}/{signed_scope}, SignedHeaders={names}, Signature={proof}"
    )
    return HttpRequest(request.method, request.url, headers, request.content)


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
