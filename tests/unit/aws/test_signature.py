"""Requests to AWS are signed as Amazon's own client signs them."""

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from consumer.aws.credentials import Credentials
from consumer.aws.signature import signed
from consumer.http_client.messages import HttpRequest

NOW = datetime(2026, 11, 5, 12, 0, 0, tzinfo=UTC)
SECRET = "s3cret/with+signs"
HEADERS = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "AWSGlue.GetSchemaVersion"}


@pytest.mark.parametrize("session", ["", "session/with+signs=="])
@pytest.mark.parametrize("region", ["eu-west-1", "cn-north-1"])
@pytest.mark.parametrize(
    "url",
    [
        "https://glue.example",
        "https://glue.example/",
        "http://127.0.0.1:8080/",
        "https://glue.example:443/",
        "http://glue.example:80/",
        "https://glue.example:80/",
        "https://GLUE.Eu-West-1.Amazonaws.com/",
        "https://[::1]:443/",
        "https://gateway.example/a%20path/glue/",
    ],
)
def test_a_request_is_signed_as_amazon_s_client_signs(
    region: str, session: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    signer = Credentials("AWS_ACCESS_KEY_ID", "ASIAKEY", SECRET, session)
    own_request = signed(HttpRequest("POST", url, HEADERS, b'{"a": 1}'), signer, NOW, region, "glue")
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: NOW.replace(tzinfo=None))
    request = AWSRequest("POST", url, data=b'{"a": 1}', headers=HEADERS)
    SigV4Auth(ReadOnlyCredentials("ASIAKEY", SECRET, session or None), "glue", region).add_auth(request)
    assert own_request.headers == dict(request.headers.items())
