"""HTTPS_PROXY and NO_PROXY: which URLs go through the proxy, and which values are mistakes."""

import base64

import pytest

from consumer import factories
from consumer.errors import SettingsError
from consumer.http_client.no_proxy import NoProxy
from consumer.http_client.proxies import Proxies, Proxy
from consumer.http_client.urls import parse
from consumer.settings import load, suspicious

REQUIRED = {"KAFKA_BOOTSTRAP_SERVERS": "b:1", "SEGMENT_WRITE_KEY": "wk"}
PASSWORD = "hush7391"


def proxies(**environ: str) -> Proxies:
    return factories.proxies(load(environ=REQUIRED | environ))


def is_proxied(url: str, no_proxy: str = "") -> bool:
    return proxies(HTTPS_PROXY="proxy:3128", NO_PROXY=no_proxy).proxy_for(parse(url)) is not None


@pytest.mark.parametrize(
    ("url", "is_through_proxy"),
    [
        ("https://api.segment.io/v1/batch", True),
        ("https://10.1.2.3:8443/", True),
        ("https://[2001:db8::1]/", True),
        ("http://registry.example:8081", False),  # the proxy could read it
        ("https://localhost:8443", False),
        ("https://127.1.2.3", False),
        ("https://[::1]", False),
    ],
)
def test_https_goes_through_the_proxy_except_on_loopback(url: str, is_through_proxy: bool) -> None:
    assert is_proxied(url) is is_through_proxy
    assert not Proxies.none().proxy_for(parse(url))


@pytest.mark.parametrize(
    ("no_proxy", "direct", "proxied"),
    [
        ("*", ["a.example", "10.1.2.3"], []),
        ("example", ["example", "a.example", "b.a.example"], ["notexample", "example.org"]),
        (".a.example", ["a.example", "b.a.example"], ["ba.example"]),
        ("*.a.example", ["a.example", "b.a.example"], ["c.example"]),
        ("A.Example", ["a.example", "A.EXAMPLE"], []),
        ("a.example", ["a.example."], []),
        ("a.example, b.example  c.example,,", ["a.example", "b.example", "c.example"], ["d.example"]),
        ("10.1.2.3", ["10.1.2.3"], ["10.1.2.30", "110.1.2.3"]),
        ("10.1.0.0/16", ["10.1.255.1"], ["10.2.0.1", "a.example", "[2001:db8::1]"]),
        ("2001:db8::1", ["[2001:db8::1]", "[2001:db8:0::1]"], ["[2001:db8::2]"]),
        ("[2001:db8::1]", ["[2001:db8::1]"], ["[2001:db8::2]"]),
        ("2001:db8::/32", ["[2001:db8::2]"], ["10.1.2.3"]),
        ("a.example:8443", ["a.example:8443", "b.a.example:8443"], ["a.example", "a.example:443"]),
        ("a.example:443", ["a.example"], ["a.example:8443"]),
        ("10.1.2.3:443", ["10.1.2.3"], ["10.1.2.3:8443"]),
        ("[2001:db8::1]:443", ["[2001:db8::1]"], ["[2001:db8::1]:8443"]),
        (".", [], ["a.example"]),
        ("10.1.0.0/99", [], ["10.1.0.1"]),
        ("", [], ["a.example"]),
    ],
)
def test_no_proxy_names_the_hosts_that_are_reached_directly(
    no_proxy: str, direct: list[str], proxied: list[str]
) -> None:
    assert [host for host in direct if is_proxied(f"https://{host}", no_proxy)] == []
    assert [host for host in proxied if not is_proxied(f"https://{host}", no_proxy)] == []


@pytest.mark.parametrize(
    "entry",
    [
        ".",
        "*.",
        ":443",
        "a*.example",
        "a.*.example",
        "10.*",
        "10.1.2",
        "10.1.2.256",
        "10.1.2.3-10.1.2.9",
        "10.1.0.0/99",
        "10.1.0.0/8:443",
        "[10.1.2.3",
        "[a.example]",
        "2001:db8:::1",
        "[2001:db8::]/32",
        "a.example:0",
        "a.example:65536",
        "a.example:" + "1" * 5000,
        "a.example:https",
        "https://a.example",
        "u:p@a.example",
        "<local>",
        "a..example",
        "b\xfccher.example",
    ],
)
def test_an_entry_that_matches_nothing_is_a_mistake_and_the_others_hold(entry: str) -> None:
    hosts = NoProxy.parse(f"b.example,{entry},10.9.9.9")
    assert hosts.mistakes == (2,)
    assert hosts.matches("b.example", 443)
    assert hosts.matches("10.9.9.9", 443)
    assert not hosts.matches("a.example", 443)
    assert not hosts.matches("10.1.2.3", 443)


@pytest.mark.parametrize(
    "text",
    [
        "*",
        ".svc,.cluster.local,10.0.0.0/8",
        "localhost,127.0.0.1,::1,[::1]:8443,169.254.169.254",
        "kubernetes.default.svc.cluster.local.:6443 a_b.example *.a-1.example",
        "10.1.2.3/8,2001:db8::/32,2001:db8::1",
        "1password.com,3com,x",
        " , ",
    ],
)
def test_what_clusters_set_is_no_mistake(text: str) -> None:
    assert not NoProxy.parse(text).mistakes


@pytest.mark.parametrize(
    ("value", "host", "port", "credentials"),
    [
        ("http://proxy.example:3128", "proxy.example", 3128, ""),
        ("http://proxy.example:3128/", "proxy.example", 3128, ""),
        ("proxy.example:3128", "proxy.example", 3128, ""),
        ("HTTP://[2001:db8::1]:8080", "2001:db8::1", 8080, ""),
        (f"http://sprig:{PASSWORD}@proxy.example:3128", "proxy.example", 3128, f"sprig:{PASSWORD}"),
        ("http://sprig:p%40s%3A%2F@proxy.example:3128", "proxy.example", 3128, "sprig:p@s:/"),
        ("http://sprig@proxy.example:3128", "proxy.example", 3128, "sprig:"),
    ],
)
def test_a_proxy_has_a_host_a_port_and_perhaps_credentials(value: str, host: str, port: int, credentials: str) -> None:
    proxy = proxies(HTTPS_PROXY=value).proxy
    assert proxy is not None
    assert (proxy.host, proxy.port) == (host, port)
    assert base64.b64decode(proxy.authorization.removeprefix("Basic ")).decode() == credentials
    assert PASSWORD not in repr(proxy)
    assert proxy.authorization not in repr(proxy) or not credentials


WRONG = [
    f"https://sprig:{PASSWORD}@proxy.example:3128",
    f"socks5://sprig:{PASSWORD}@proxy.example:1080",
    f"http://sprig:{PASSWORD}@proxy.example",
    f"http://sprig:{PASSWORD}@proxy.example:0",
    f"http://sprig:{PASSWORD}@proxy.example:99999",
    f"http://sprig:{PASSWORD}@:3128",
    f"http://sprig:{PASSWORD}@proxy.example:3128/path",
    f"http://sprig:{PASSWORD}/x@proxy.example:3128",
    f"http://sprig:{PASSWORD}?x@proxy.example:3128",
    f"http://sprig:[{PASSWORD}@proxy.example:3128",
    f"proxy.example:{PASSWORD}",
    "http://<proxy>:3128",
]


@pytest.mark.parametrize("value", WRONG)
def test_a_wrong_proxy_is_a_mistake_that_shows_no_password(value: str) -> None:
    with pytest.raises(SettingsError) as error:
        load(environ=REQUIRED | {"HTTPS_PROXY": value})
    (line,) = error.value.lines
    assert line.startswith("HTTPS_PROXY: must ")
    assert PASSWORD not in repr(error.value)


@pytest.mark.parametrize("value", WRONG)
def test_the_switch_turns_even_a_wrong_proxy_off(value: str) -> None:
    assert proxies(HTTPS_PROXY=value, TRUST_PROXY_ENV="false") == Proxies.none()


def test_the_variables_may_be_in_lower_case_and_those_in_upper_case_win() -> None:
    lower = proxies(https_proxy="lower:1", no_proxy="a.example")
    assert lower.proxy == Proxy("lower", 1)
    assert not lower.proxy_for(parse("https://a.example"))
    assert proxies(https_proxy="lower:1", HTTPS_PROXY="upper:2").proxy == Proxy("upper", 2)
    assert proxies(HTTP_PROXY="http://proxy:1", ALL_PROXY="http://proxy:1") == Proxies.none()


def test_the_proxy_variables_of_other_programs_are_no_misspelt_settings() -> None:
    names = ("HTTP_PROXY", "http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY")
    assert suspicious(REQUIRED | dict.fromkeys(names, "http://proxy:3128")) == []


def test_the_way_is_said_in_words_without_the_password() -> None:
    ways = proxies(HTTPS_PROXY=f"http://sprig:{PASSWORD}@proxy.example:3128", NO_PROXY="registry.example")
    assert ways.way("https://api.segment.io/v1/batch") == "through the proxy proxy.example:3128 of HTTPS_PROXY"
    assert ways.way("https://registry.example") == "directly, because NO_PROXY names it or it is on loopback"
    assert ways.way("http://api.example") == "directly, because plain http never uses a proxy"
    assert Proxies.none().way("https://api.segment.io") == "directly"
