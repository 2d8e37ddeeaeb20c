"""`contract push`: the contracts as rules of a tracking plan in Segment, as a call to look at or sent."""

import os
import re
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from consumer import factories, paths
from consumer.cli.output import counted, print_text
from consumer.cli.params import YES, plain_errors
from consumer.cli.settings_source import SettingsSource, settings_options
from consumer.contract.describe import tracking_plan
from consumer.contract.loader import load_contracts
from consumer.errors import ServiceError, UsageError
from consumer.http_client.client import HttpClient
from consumer.http_client.messages import HttpError
from consumer.http_client.proxies import Proxies
from consumer.jsonio import pretty
from consumer.outside_text import escaped_json
from consumer.segment import public_api
from consumer.segment.public_api import TOKEN_VARIABLE

SETTINGS = ("SCHEMAS_DIR", "SEGMENT_REGION", "TRUST_PROXY_ENV", "HTTPS_PROXY", "NO_PROXY")
TIMEOUT_SECONDS = 30.0
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


class PlanType(click.ParamType[Any]):
    """The id of a tracking plan, which becomes a part of a URL."""

    name = "ID"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[A-Za-z0-9_-]+", str(value)):
            self.fail(f"{value!r} must be the id of a tracking plan, such as tp_123", param, ctx)
        return str(value)


class ApiUrlType(click.ParamType[Any]):
    """The URL of an API that gets the token."""

    name = "URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not _is_safe(str(value)) or not re.fullmatch(r"https?://[\w.:/\[\]-]+", str(value)):
            self.fail(f"{value!r} must be an https URL such as {public_api.API_URLS['us']}", param, ctx)
        return str(value)


def _is_safe(url: str) -> bool:
    """Whether a token can be sent to a URL."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or parts.hostname in _LOOPBACK)


@click.command()
@settings_options
@click.option("--tracking-plan", "plan_id", type=PlanType(), required=True, help="The tracking plan in Segment.")
@click.option("--with-common", is_flag=True, help="Also replace the rule COMMON, which is for all events of the plan.")
@click.option(
    "--api-url", type=ApiUrlType(), help="The URL of Segment's Public API.  [default: that of SEGMENT_REGION]"
)
@YES
@plain_errors
def push(
    env_file: Path | None, schemas_dir: Path | None, plan_id: str, with_common: bool, api_url: str | None, yes: bool
) -> None:
    """Put the contracts into a tracking plan.

    Print the call of Segment's Public API, for a shell. The shell takes the token from SEGMENT_PUBLIC_API_TOKEN. With
    --yes, send the request. The call adds or updates the rule of each contract's event. All other rules of the plan
    stay as they are.

    \b
    Example:
      sprig-to-segment contract push --tracking-plan tp_123
    """
    settings = SettingsSource(env_file, schemas_dir).load(only=SETTINGS)
    rules = tracking_plan(load_contracts(settings.schemas_dir or paths.schemas()))["rules"]
    rules = [rule for rule in rules if with_common or rule["type"] != "COMMON"]
    url = public_api.rules_url(api_url or public_api.API_URLS[settings.segment_region or "us"], plan_id)
    if yes:
        _send(url, rules, factories.proxies(settings))
        print_text(f"Segment has {counted(len(rules), 'rule')} of these contracts in the tracking plan {plan_id}")
        return
    click.echo(public_api.curl_call(url, _json(rules)))
    print_text(f"Nothing was sent. Run this call with {TOKEN_VARIABLE}, or repeat the command with --yes.", err=True)


def _send(url: str, rules: Sequence[Any], proxies: Proxies) -> None:
    """Raises UsageError for the token, and ServiceError if Segment does not have the rules."""
    request = public_api.rules_request(url, _token(), _json(rules))
    with closing(HttpClient(proxies)) as client:
        try:
            response = client.send(request, TIMEOUT_SECONDS, public_api.MAX_RESPONSE_BYTES)
        except HttpError as error:
            raise ServiceError(f"no answer of {url}: {error}") from None
    refusal = public_api.refusal(response)
    if refusal:
        raise ServiceError(f"Segment did not confirm the rules: {refusal}")


def _token() -> str:
    token = os.environ.get(TOKEN_VARIABLE, "")
    if not public_api.is_token(token):
        raise UsageError(
            f"{TOKEN_VARIABLE} must be a token of Segment's Public API, without blanks: create it in Segment under "
            "Settings, Workspace settings, Access Management, Tokens"
        )
    return token


def _json(rules: Sequence[Any]) -> str:
    return escaped_json(pretty({"rules": rules}))
