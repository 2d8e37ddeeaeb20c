"""Access tokens for the schema registry, from an issuer (OAuth 2.0, client credentials)."""

import base64
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from consumer.avro.registry_errors import no_token_error
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError, HttpRequest, HttpResponse, is_temporary, is_temporary_status
from consumer.jsonio import JsonError, loads

MAX_TOKEN_RESPONSE_BYTES = 65_536

_USED_SHARE = 0.8  # of a token's lifetime, as in Confluent's client
_DEFAULT_LIFETIME_SECONDS = 300.0  # where the issuer does not say, which it may do (RFC 6749, 5.1)
_MAX_LIFETIME_SECONDS = 86_400.0
_TOKEN = re.compile("[!-~]+")


class AccessTokens:
    """One token at a time, which is used for the first four fifths of its lifetime."""

    def __init__(
        self, http: HttpClient, request: HttpRequest, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`request` asks the issuer for a token, within `timeout` seconds. `clock`: monotonic seconds."""
        self._http, self._request, self._timeout, self._clock = http, request, timeout, clock
        self._token, self._expires_at = "", 0.0

    def token(self) -> str:
        """A token that is valid for a while. Raises RegistryMisconfigured or RegistryUnreachable without one."""
        if not self._token or self._clock() >= self._expires_at:
            self._fetch()
        return self._token

    def forget(self) -> None:
        """The registry refused the token, which may have been revoked."""
        self._token = ""

    def _fetch(self) -> None:
        self._token = ""
        asked_at = self._clock()
        try:
            response = self._http.send(self._request, self._timeout, MAX_TOKEN_RESPONSE_BYTES)
        except HttpError as error:
            raise no_token_error(str(error), is_temporary(error)) from None
        if response.status != 200:
            cause = f"the issuer answers HTTP status {response.status}"
            raise no_token_error(cause, is_temporary_status(response.status))
        answer = _answer(response)
        token = answer.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise no_token_error("the response has no token")
        self._token = token
        self._expires_at = asked_at + _USED_SHARE * _lifetime_seconds(answer.get("expires_in"))


def token_request(options: Mapping[str, Any], in_form: bool = False) -> HttpRequest:
    """
    The request for a token, for the options of OAUTHBEARER.

    `in_form`: the secret goes into the form (client_secret_post), not into a header as HTTP Basic. In the header it is
    not encoded as RFC 6749 (2.3.1) says, because Confluent's client and many issuers do not. Microsoft Entra does.
    """
    client, secret = options["bearer.auth.client.id"], options["bearer.auth.client.secret"]
    form = {"grant_type": "client_credentials"}
    if options.get("bearer.auth.scope"):
        form["scope"] = options["bearer.auth.scope"]
    url = options["bearer.auth.issuer.endpoint.url"]
    headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
    if in_form:
        form |= {"client_id": client, "client_secret": secret}
    else:
        headers["Authorization"] = basic(f"{client}:{secret}")
    return HttpRequest("POST", url, headers, urlencode(form).encode())


def basic(credentials: str) -> str:
    """The header Authorization for `user:password`."""
    return f"Basic {base64.b64encode(credentials.encode()).decode()}"


def _answer(response: HttpResponse) -> dict[str, Any]:
    try:
        answer = loads(response.body)
    except JsonError:
        answer = None
    if not isinstance(answer, dict):
        raise no_token_error("the response is not an issuer's")
    return answer


def _lifetime_seconds(expires_in: object) -> float:
    """Some issuers write the number as text."""
    if isinstance(expires_in, bool) or not re.fullmatch(r"[0-9]{1,9}(\.[0-9]*)?", str(expires_in)):
        return _DEFAULT_LIFETIME_SECONDS
    return min(float(str(expires_in)), _MAX_LIFETIME_SECONDS)
