"""Tokens with which an IAM role signs in to Amazon MSK, each signed anew."""

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

# Amazon's own signers ask for the same lifetime, the longest that MSK accepts.
LIFETIME_SECONDS = 900
_TIMEOUT_SECONDS = 5.0
_RETRY_SECONDS = 10
_STS = "{https://sts.amazonaws.com/doc/2011-06-15/}"

Token = tuple[str, float]


class Credentials(NamedTuple):
    """An access key of a role, which expires; `session` is "" for the key of an IAM user, which does not."""

    key: str
    secret: str
    session: str


def token_callback(region: str, environ: Mapping[str, str] = os.environ) -> Callable[[str], Token]:
    """
    librdkafka's `oauth_cb`: returns a token and its end, in seconds since the epoch.

    An exception in the callback would end the client. Without credentials the callback therefore returns the token
    "none", which MSK refuses, and which expires soon, so that the client asks again.
    """

    def token(_: str) -> Token:
        now = datetime.now(UTC)
        try:
            return sign(region, credentials(region, environ), now), now.timestamp() + LIFETIME_SECONDS
        except NoAnswer as error:
            log.error("no token for MSK, retrying", extra={"error": str(error)})
            return "none", now.timestamp() + _RETRY_SECONDS

    return token


def sign(region: str, signer: Credentials, now: datetime) -> str:
    """A presigned URL as a token: Signature Version 4 in the query, for the action kafka-cluster:Connect."""
    host = f"kafka.{region}.{_domain(region)}"
    timestamp, scope = now.strftime("%Y%m%dT%H%M%SZ"), f"{now:%Y%m%d}/{region}/kafka-cluster/aws4_request"
    parameters = {
        "Action": "kafka-cluster:Connect",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{signer.key}/{scope}",
        "X-Amz-Date": timestamp,
        "X-Amz-Expires": str(LIFETIME_SECONDS),
        "X-Amz-SignedHeaders": "host",
    }
    if signer.session:
        parameters["X-Amz-Security-Token"] = signer.session
    query = urlencode(sorted(parameters.items()), quote_via=quote, safe="-_.~")
    request = f"GET\n/\n{query}\nhost:{host}\n\nhost\n{_digest(b'')}"
    key = f"AWS4{signer.secret}".encode()
    for scope_element in scope.split("/"):
        key = _hmac(key, scope_element)
    signature = _hmac(key, f"AWS4-HMAC-SHA256\n{timestamp}\n{scope}\n{_digest(request.encode())}").hex()
    url = f"https://{host}/?{query}&X-Amz-Signature={signature}&User-Agent=sprig-to-segment"
    return base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")


def credentials(region: str, environ: Mapping[str, str]) -> Credentials:
    """
    The credentials of the environment variables, of EKS Pod Identity, or of a service account's role, in this order.

    Raises NoAnswer.
    """
    if environ.get("AWS_ACCESS_KEY_ID"):
        return Credentials(
            environ["AWS_ACCESS_KEY_ID"],
            environ.get("AWS_SECRET_ACCESS_KEY", ""),
            environ.get("AWS_SESSION_TOKEN", ""),
        )
    if environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
        return _pod_credentials(environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], environ)
    if environ.get("AWS_ROLE_ARN"):
        return _role_credentials(environ["AWS_ROLE_ARN"], region, environ)
    raise NoAnswer(
        "MSK: no AWS credentials in the environment variables, and no role of the pod or its service account"
    )


def _pod_credentials(url: str, environ: Mapping[str, str]) -> Credentials:
    headers = {"Authorization": _read_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", environ)}
    request = urllib.request.Request(url, headers=headers)  # noqa: S310 - the platform sets the URL

    def parse(body: bytes) -> Credentials:
        answer = json.loads(body)
        return Credentials(answer["AccessKeyId"], answer["SecretAccessKey"], answer["Token"])

    return _request_credentials(request, parse)


def _role_credentials(role: str, region: str, environ: Mapping[str, str]) -> Credentials:
    url = environ.get("AWS_ENDPOINT_URL_STS", f"https://sts.{region}.{_domain(region)}/")
    form = {
        "Action": "AssumeRoleWithWebIdentity",
        "Version": "2011-06-15",
        "RoleArn": role,
        "RoleSessionName": environ.get("AWS_ROLE_SESSION_NAME", "sprig-to-segment"),
        "WebIdentityToken": _read_file("AWS_WEB_IDENTITY_TOKEN_FILE", environ),
    }
    request = urllib.request.Request(url, urlencode(form).encode())  # noqa: S310 - the platform sets the URL

    def parse(body: bytes) -> Credentials:
        (element,) = ElementTree.fromstring(body).iter(f"{_STS}Credentials")  # noqa: S314 - Amazon's own answer
        names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
        return Credentials(*(element.findtext(_STS + name, "") for name in names))

    return _request_credentials(request, parse)


def _read_file(variable: str, environ: Mapping[str, str]) -> str:
    """The text of the file that the environment variable names. Raises NoAnswer."""
    try:
        return Path(environ[variable]).read_text().strip()
    except (KeyError, OSError):
        raise NoAnswer(f"MSK: {variable} names no file that can be read") from None


def _request_credentials(request: urllib.request.Request, parse: Callable[[bytes], Credentials]) -> Credentials:
    """The credentials in the answer. The request uses no proxy and holds a secret, which no error may show."""
    try:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=_TIMEOUT_SECONDS) as answer:
            return parse(answer.read(1_000_000))
    except (OSError, ValueError, TypeError, KeyError, ElementTree.ParseError) as error:
        cause = getattr(error, "code", type(error).__name__)
    raise NoAnswer(f"MSK: no credentials from {request.host}: {cause}")


def _domain(region: str) -> str:
    return "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
