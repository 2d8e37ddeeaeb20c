"""The credentials of an AWS role: from the environment, from the platform of the container, or from STS."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from consumer.aws.endpoint import host
from consumer.errors import NoAnswer
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse, is_temporary, is_temporary_status
from consumer.jsonio import loads

_TIMEOUT_SECONDS = 5.0
_MAX_RESPONSE_BYTES = 100_000
# Amazon ECS answers here (AWS SDKs and Tools Reference Guide, "Container credential provider").
_ECS = "http://169.254.170.2"
_TEMPORARY_CODES = frozenset({"Throttling", "ThrottlingException", "RequestLimitExceeded", "IDPCommunicationError"})
_ERROR_CODE = re.compile(rb"<Code>(\w{1,64})</Code>")


class CredentialsDelayed(NoAnswer):
    """The source of the credentials cannot be reached, or cannot answer now. The settings may all be right."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    An access key; `session` is "" for the key of an IAM user.

    `source` is the environment variable that led to it. `expires_at` is in seconds since the epoch, None if AWS names
    no end.
    """

    source: str
    key: str = field(repr=False)
    secret: str = field(repr=False)
    session: str = field(repr=False)
    expires_at: float | None = None


@dataclass(frozen=True, slots=True)
class CredentialSources:
    """
    Where AWS puts credentials: environment variables, the platform of the container, a service account's role.

    `region` is that of STS. No error and no log shows a header, a body or the text of a file.
    """

    region: str
    environ: Mapping[str, str]
    http: HttpClient

    def credentials(self) -> Credentials:
        """
        From the first source that there is.

        Raises NoAnswer, which names the environment variable to check, and CredentialsDelayed for an outage.
        """
        if self._has("AWS_ACCESS_KEY_ID"):
            return self._from_variables()
        if self._has("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"):
            variable = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
            return self._from_container(variable, _ECS + self.environ[variable])
        if self._has("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            variable = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
            return self._from_container(variable, self.environ[variable])
        if self._has("AWS_ROLE_ARN"):
            return self._from_sts(self.environ["AWS_ROLE_ARN"])
        raise NoAnswer(
            "AWS: no AWS credentials in the environment variables, and no role of the pod or its service account"
        )

    def _has(self, variable: str) -> bool:
        return bool(self.environ.get(variable))

    def _from_variables(self) -> Credentials:
        names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        values = [self.environ.get(name, "") for name in names]
        for name, value in zip(names, values, strict=True):
            is_optional = name == "AWS_SESSION_TOKEN"
            if not (value or is_optional) or not value.isascii() or not value.isprintable():
                raise NoAnswer(f"AWS: no credentials: check {name}: it must be one line of ASCII")
        key, secret, session = values
        return Credentials(names[0], key, secret, session)

    def _from_container(self, variable: str, url: str) -> Credentials:
        _require_private(variable, url)
        headers = {}
        if self._has("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            headers["Authorization"] = self._read_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
        elif self._has("AWS_CONTAINER_AUTHORIZATION_TOKEN"):
            headers["Authorization"] = self.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]
        return self._request(variable, HttpRequest("GET", url, headers), _parse_json)

    def _from_sts(self, role: str) -> Credentials:
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": role,
            "RoleSessionName": self.environ.get("AWS_ROLE_SESSION_NAME") or "sprig-to-segment",
            "WebIdentityToken": self._read_file("AWS_WEB_IDENTITY_TOKEN_FILE"),
        }
        variable = "AWS_ENDPOINT_URL_STS" if self._has("AWS_ENDPOINT_URL_STS") else "AWS_ROLE_ARN"
        _require_private(variable, self.sts_url)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        request = HttpRequest("POST", self.sts_url, headers, urlencode(form).encode())
        return self._request(variable, request, _parse_xml)

    @property
    def sts_url(self) -> str:
        return self.environ.get("AWS_ENDPOINT_URL_STS") or f"https://{host('sts', self.region)}/"

    def _read_file(self, variable: str) -> str:
        """The text of the file that the environment variable names. Raises NoAnswer."""
        try:
            text = Path(self.environ.get(variable, "")).read_text(encoding="ascii").strip()
        except (OSError, ValueError):  # also a folder, a path with a null byte, and text that is no ASCII
            raise NoAnswer(f"AWS: {variable} names no file with a token that can be read") from None
        if not text or not text.isprintable():
            raise NoAnswer(f"AWS: the file of {variable} has no token in one line")
        return text

    def _request(self, variable: str, request: HttpRequest, parse: Callable[[bytes, str], Credentials]) -> Credentials:
        """The credentials in the response. No redirect is followed. Raises NoAnswer."""
        try:
            response = self.http.send(request, _TIMEOUT_SECONDS, _MAX_RESPONSE_BYTES)
        except HttpError as error:
            text = f"AWS: no credentials: check {variable}: {error}"
            raise (CredentialsDelayed if is_temporary(error) else NoAnswer)(text) from None
        if response.status != 200:
            text = f"AWS: no credentials: check {variable}: {_refusal(response)}"
            raise CredentialsDelayed(text) if _is_temporary_refusal(response) else NoAnswer(text)
        try:
            return parse(response.body, variable)
        except (ValueError, TypeError, KeyError, OverflowError):
            raise NoAnswer(f"AWS: no credentials: check {variable}: the answer has none") from None


def _require_private(variable: str, url: str) -> None:
    if not _is_private(url):
        raise NoAnswer(f"AWS: {variable} must be https, or http to an address of this machine or of its platform")


def _is_private(url: str) -> bool:
    """Whether a token may be sent to this URL. Over http only to addresses that no router forwards (as botocore)."""
    try:
        parts = urlsplit(url)
        if parts.scheme != "http" or parts.hostname == "localhost":
            return True
        address = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return False
    return address.is_loopback or address.is_link_local or address == ipaddress.ip_address("fd00:ec2::23")


def _refusal(response: HttpResponse) -> str:
    """The status, and the code of an error of STS such as AccessDenied."""
    code = _error_code(response)
    return f"HTTP {response.status} {code}" if code else f"HTTP {response.status}"


def _is_temporary_refusal(response: HttpResponse) -> bool:
    """STS says with status 400 that it throttles, and that the issuer of the service account's token is away."""
    return is_temporary_status(response.status) or _error_code(response) in _TEMPORARY_CODES


def _error_code(response: HttpResponse) -> str:
    code = _ERROR_CODE.search(response.body)
    return code[1].decode() if code else ""


def _parse_json(body: bytes, source: str) -> Credentials:
    """Of a container's platform."""
    answer = loads(body)
    key, secret, session = (_text(answer[name]) for name in ("AccessKeyId", "SecretAccessKey", "Token"))
    expires_at = None
    if answer.get("Expiration"):
        expires_at = datetime.fromisoformat(answer["Expiration"]).timestamp()
    return Credentials(source, key, secret, session, expires_at)


def _parse_xml(body: bytes, source: str) -> Credentials:
    """Of STS. Its values have no character that XML would escape."""
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration")
    elements = (re.search(rf"<{name}>\s*([^<>&\s]+)\s*</{name}>", body.decode("ascii")) for name in names)
    key, secret, session, expiration = (_text(element and element[1]) for element in elements)
    return Credentials(source, key, secret, session, datetime.fromisoformat(expiration).timestamp())


def _text(value: object) -> str:
    """Raises ValueError unless this is a text that fits into a signature."""
    if not isinstance(value, str) or not value or not value.isascii():
        raise ValueError
    return value
