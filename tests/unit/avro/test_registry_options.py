"""The options of SCHEMA_REGISTRY_CONFIG: a closed table, which the documentation and the chart share."""

from pathlib import Path
from typing import Any

import pytest

from consumer.avro.registry_options import OPTIONS, REFUSED, SOURCE, mistakes
from consumer.avro.registry_types import REGISTRIES, glue_region, type_mistakes, url_mistakes

HUSH = "hush-7391"
DOCS = Path(__file__).parents[3] / "docs" / "avro.md"
CHART = Path(__file__).parents[3] / "helm"
BASIC = {"basic.auth.user.info": f"jane:{HUSH}"}
STATIC = {"bearer.auth.credentials.source": "STATIC_TOKEN", "bearer.auth.token": HUSH}
OAUTH = {
    "bearer.auth.credentials.source": "OAUTHBEARER",
    "bearer.auth.issuer.endpoint.url": "https://issuer.example/token",
    "bearer.auth.client.id": "jane",
    "bearer.auth.client.secret": HUSH,
}
POOL = {"bearer.auth.logical.cluster": "lsrc-1", "bearer.auth.identity.pool.id": "pool-1"}
TLS = {"ssl.ca.location": "/a", "ssl.certificate.location": "/b", "ssl.key.location": "/c", "ssl.key.password": HUSH}
NO_EFFECT = {"max.retries": 5, "retries.wait.ms": 1, "retries.max.wait.ms": 2, "cache.capacity": 7}


@pytest.mark.parametrize(
    "options",
    [
        {},
        BASIC,
        STATIC,
        {**STATIC, **POOL},
        OAUTH,
        {**OAUTH, **POOL, "bearer.auth.scope": "schemas"},
        {**OAUTH, "bearer.auth.issuer.endpoint.url": "http://127.0.0.1:8080/token"},
        {**BASIC, **TLS, "timeout": 0.5},
        {"timeout": "0.5", "max.retries": "5"},
        {**NO_EFFECT, "cache.latest.ttl.sec": 1.5},
    ],
)
def test_the_options_of_each_way_to_sign_in_are_accepted(options: dict[str, Any]) -> None:
    assert mistakes(options) == []


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"ssl.ca.location": False}, "ssl.ca.location is refused without a path: credentials would go to any host"),
        ({"ssl.ca.location": True}, "ssl.ca.location is refused without a path"),
        ({"ssl.ca.location": ""}, "ssl.ca.location must be text"),
        ({"no.such.option": HUSH}, "no.such.option is refused: the service has no such option, see docs/avro.md"),
        *[({name: HUSH}, f"{name} is refused: {instead}") for name, instead in REFUSED.items()],
        ({"timeout": 0}, "timeout must be seconds, up to 600"),
        ({"timeout": 30_000}, "timeout must be seconds"),
        ({"timeout": "soon"}, "timeout must be seconds"),
        ({"timeout": "nan"}, "timeout must be seconds"),
        ({"timeout": "inf"}, "timeout must be seconds"),
        ({"timeout": True}, "timeout must be seconds"),
        ({"max.retries": HUSH}, "max.retries must be a number"),
        ({"basic.auth.user.info": 7}, "basic.auth.user.info must be text"),
        ({"basic.auth.user.info": HUSH}, "basic.auth.user.info must be in the form of {username}:{password}"),
        ({**STATIC, **BASIC}, "both set: set only one of the two"),
        ({**STATIC, "bearer.auth.token": f"{HUSH}\r\nX: y"}, "bearer.auth.token must be text without control"),
        ({**STATIC, "bearer.auth.token": f"{HUSH} y"}, "bearer.auth.token must be ASCII without blanks"),
        ({**STATIC, "bearer.auth.logical.cluster": "ä"}, "bearer.auth.logical.cluster must be ASCII without blanks"),
        ({"bearer.auth.credentials.source": HUSH}, "must be STATIC_TOKEN or OAUTHBEARER"),
        ({"bearer.auth.credentials.source": "SASL_INHERIT"}, "must be STATIC_TOKEN or OAUTHBEARER"),
        ({"bearer.auth.credentials.source": "STATIC_TOKEN"}, "bearer.auth.token is required by"),
        ({**OAUTH, "bearer.auth.token": HUSH}, "bearer.auth.token needs bearer.auth.credentials.source=STATIC_TOKEN"),
        ({"bearer.auth.token": HUSH}, "bearer.auth.token needs bearer.auth.credentials.source=STATIC_TOKEN"),
        (POOL, "needs bearer.auth.credentials.source=STATIC_TOKEN or OAUTHBEARER"),
        ({**STATIC, "bearer.auth.scope": HUSH}, "bearer.auth.scope needs bearer.auth.credentials.source=OAUTHBEARER"),
        *[
            ({**OAUTH, "bearer.auth.issuer.endpoint.url": url}, "must be an https URL without a user")
            for url in ("http://issuer.example/token", f"https://me:{HUSH}@issuer", "ftp://a", "token", "https://[")
        ],
        *[
            ({name: HUSH}, f"{name} needs ssl.certificate.location")
            for name in ("ssl.key.location", "ssl.key.password")
        ],
    ],
)
def test_a_wrong_option_is_named_without_its_value(options: dict[str, Any], mistake: str) -> None:
    lines = mistakes(options)
    assert any(mistake in line for line in lines), lines
    assert HUSH not in "".join(lines)


@pytest.mark.parametrize(
    ("options", "mistake"),
    [
        ({"subject.name.strategy.type": HUSH}, "subject.name.strategy.type must be TOPIC or RECORD or TOPIC_RECORD"),
        ({"apicurio.registry.use-id": 7}, "apicurio.registry.use-id must be contentId or globalId"),
        ({"region": HUSH}, "region must be an AWS region such as eu-west-1"),
    ],
)
def test_an_option_of_one_registry_has_its_values(options: dict[str, Any], mistake: str) -> None:
    assert mistakes(options) == [mistake]


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://glue.eu-west-1.amazonaws.com", "eu-west-1"),
        ("https://glue.cn-north-1.amazonaws.com.cn/", "cn-north-1"),
        ("https://glue-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://vpce-0a1.glue.eu-central-1.vpce.amazonaws.com", "eu-central-1"),
        ("https://GLUE.Eu-West-1.amazonaws.com:443", "eu-west-1"),
        ("https://private.example", ""),
        ("https://private.example/glue.eu-west-1.amazonaws.com", ""),
    ],
)
def test_the_host_of_glue_names_the_region_and_the_option_has_precedence(url: str, region: str) -> None:
    assert glue_region({}, url) == region
    assert bool(type_mistakes({}, "glue", url)) == (not region)
    assert glue_region({"region": "sa-east-1"}, url) == "sa-east-1"
    assert bool(type_mistakes({"region": "sa-east-1"}, "glue", url)) == bool(region)
    assert not type_mistakes({"region": region or "sa-east-1"}, "glue", url)


GLUE_URL, AZURE_URL = "https://glue.eu-west-1.amazonaws.com", "https://answers.servicebus.windows.net"
OWN_API, COMPATIBLE_API = "http://apicurio:8080/apis/registry/v3", "http://apicurio:8080/apis/ccompat/v7"


@pytest.mark.parametrize(
    ("registry", "urls", "mistake"),
    [
        *(
            (registry, url, f"set SCHEMA_REGISTRY_TYPE={own}, or another URL")
            for own, url in (
                ("glue", GLUE_URL),
                ("glue", "https://vpce-1.GLUE.eu-west-1.vpce.amazonaws.com:443/"),
                ("azure", AZURE_URL),
                ("azure", "https://ANSWERS.servicebus.chinacloudapi.cn:443/"),
                ("apicurio", OWN_API),
                ("apicurio", "https://gateway/schemas/apis/registry/v2/"),
                ("confluent", COMPATIBLE_API),
            )
            for registry in REGISTRIES
            if registry != own
        ),
        ("glue", f"{GLUE_URL}, https://glue.eu-west-2.amazonaws.com", "hosts of several regions"),
        ("apicurio", f"{OWN_API}, http://other:8080/apis/registry/v2", "several versions of Apicurio's API"),
        ("apicurio", "http://one:8080/apis/registry/v2/,http://two:8080", "several versions of Apicurio's API"),
        ("apicurio", "http://apicurio:8080/api", "version 1 of Apicurio's API"),
        ("apicurio", f"{OWN_API},http://apicurio:8080/api/", "version 1 of Apicurio's API"),
    ],
)
def test_urls_that_contradict_the_type_or_each_other_are_mistakes(registry: str, urls: str, mistake: str) -> None:
    (line,) = url_mistakes(registry, urls)
    assert mistake in line
    assert "amazonaws" not in line


@pytest.mark.parametrize(
    ("registry", "urls"),
    [
        ("glue", f"{GLUE_URL},https://vpce-1.glue.eu-west-1.vpce.amazonaws.com, https://private.example"),
        ("azure", f"{AZURE_URL},https://private.example"),
        ("apicurio", f"{OWN_API},http://other:8080"),
        ("apicurio", "http://one/apis/registry/v2,http://two/apis/registry/v2/"),
        ("confluent", f"{COMPATIBLE_API},https://registry:8081/contexts/:.billing:"),
        ("confluent", "https://servicebus.windows.net.example/api"),
        ("confluent", "https://example.org/glue.eu-west-1.amazonaws.com"),
    ],
)
def test_urls_of_one_registry_are_none(registry: str, urls: str) -> None:
    assert not url_mistakes(registry, urls)


def test_each_option_is_of_at_least_one_registry() -> None:
    urls = {"glue": "https://glue.x-y-1.amazonaws.com"}
    for name in OPTIONS:
        mistaken = [type_mistakes({name: "x-y-1", SOURCE: "x"} if registry == "azure" else {name: "x-y-1"}, registry,
                                  urls.get(registry, "")) for registry in REGISTRIES]  # fmt: skip
        assert [] in mistaken, name


def test_the_documentation_has_each_option_with_its_meaning() -> None:
    rows = "\n".join(f"| `{name}` | {option.meaning} |" for name, option in OPTIONS.items())
    assert rows in DOCS.read_text(), rows
