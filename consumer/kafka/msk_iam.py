"""Tokens by which Amazon MSK knows a role of IAM, signed anew for each sign-in."""

import base64
import hashlib
import hmac
import json
import logging
import os
import urllib.request
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from consumer.errors import NoAnswer

log = logging.getLogger(__name__)

# Amazon's own signers ask for the same time, the longest that MSK takes.
LIFETIME_SECONDS = 900
_TIMEOUT_SECONDS = 5.0
_AGAIN_SECONDS = 10
_STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"

Token = tuple[str, float]


class Credentials(NamedTuple):
    """Those of a role, for a while; `session` is "" for a user's own."""

    key: str
    secret: str
    session: str


def token_callback(region: str, environ: Mapping[str, str] = os.environ) -> Callable[[str], Token]:
    """
    librdkafka's `oauth_cb`: a token, and when it ends in seconds since the epoch.

    An exception in it would end the client. Without credentials the token is none, which MSK refuses, and soon asked
    for again.
    """

    def token(_: str) -> Token:
        now = datetime.now(UTC)
        try:
            return sign(region, credentials(region, environ), now), now.timestamp() + LIFETIME_SECONDS
        except NoAnswer as error:
            log.error("no token for MSK; it is asked for again", extra={"error": str(error)})
            return "none", now.timestamp() + _AGAIN_SECONDS

    return token


def sign(region: str, of: Credentials, now: datetime) -> str:
    """A presigned URL as a token: Signature Version 4 in the query, for the action kafka-cluster:Connect."""
    host = f"kafka.{region}.{_domain(region)}"
    moment, scope = now.strftime("%Y%m%dT%H%M%SZ"), f"{now:%Y%m%d}/{region}/kafka-cluster/aws4_request"
    query = {
        "Action": "kafka-cluster:Connect",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{of.key}/{scope}",
        "X-Amz-Date": moment,
        "X-Amz-Expires": str(LIFETIME_SECONDS),
        **({"X-Amz-Security-Token": of.session} if of.session else {}),
        "X-Amz-SignedHeaders": "host",
    }
    asked = urlencode(sorted(query.items()), quote_via=quote, safe="-_.~")
    request = f"GET\n/\n{asked}\nhost:{host}\n\nhost\n{_digest(b'')}"
    key = f"AWS4{of.secret}".encode()
    for part in scope.split("/"):
        key = _hmac(key, part)
    signature = _hmac(key, f"AWS4-HMAC-SHA256\n{moment}\n{scope}\n{_digest(request.encode())}").hex()
    url = f"https://{host}/?{asked}&X-Amz-Signature={signature}&User-Agent=sprig-to-segment"
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def credentials(region: str, environ: Mapping[str, str]) -> Credentials:
    """Those of the environment, of EKS Pod Identity, or of a service account's role, in this order. Raises NoAnswer."""
    if key := environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(key, environ.get("AWS_SECRET_ACCESS_KEY", ""), environ.get("AWS_SESSION_TOKEN", ""))
    if url := environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return _of_pod(url, environ)
    if role := environ.get("AWS_ROLE_ARN"):
        return _of_role(role, region, environ)
    raise NoAnswer("MSK: no credentials of AWS are in the environment, and no role of the pod or its service account")


def _of_pod(url: str, environ: Mapping[str, str]) -> Credentials:
    headers = {"Authorization": _file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", environ)}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the platform's own

    def read(body: bytes) -> Credentials:
        told = json.loads(body)
        return Credentials(told["AccessKeyId"], told["SecretAccessKey"], told["Token"])

    return _answer(request, read)


def _of_role(role: str, region: str, environ: Mapping[str, str]) -> Credentials:
    url = environ.get("AWS_ENDPOINT_URL_STS", f"https://sts.{region}.{_domain(region)}/")
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME", "sprig-to-segment"),
        "WebIdentityToken": _file("AWS_WEB_IDENTITY_TOKEN_FILE", environ),
    }
    request = urllib.request.Request(url, urlencode(form).encode())  # noqa: S310 - the platform's own

    def read(body: bytes) -> Credentials:
        (told,) = ElementTree.fromstring(body).iter(f"{_STS}Credentials")  # noqa: S314 - Amazon's own answer
        return Credentials(
            *(told.findtext(_STS + name, "") for name in ("AccessKeyId", "SecretAccessKey", "SessionToken"))
        )

    return _answer(request, read)


def _file(variable: str, environ: Mapping[str, str]) -> str:
    try:
        return Path(environ[variable]).read_text().strip()
    except (KeyError, OSError):
        raise NoAnswer(f"MSK: {variable} names no file that can be read") from None


def _answer(request: urllib.request.Request, read: Callable[[bytes], Credentials]) -> Credentials:
    """What the answer holds. No proxy is asked; the request holds a secret, which no error may show."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return read(answer.read(1_000_000))
    except (OSError, ValueError, TypeError, KeyError, ElementTree.ParseError) as error:
        what = getattr(error, "code", type(error).__name__)
    raise NoAnswer(f"MSK: no credentials from {request.host}: {what}")


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, message: str) -> bytes:
    return hmac.new(key, message.encode(), hashlib.sha256).digest()
