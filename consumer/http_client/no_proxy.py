"""The hosts of NO_PROXY, which are reached directly."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_Matches = Callable[[str, int], bool]
_WITH_PORT = re.compile(r"(?:\[(?P<address>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class NoProxy:
    """
    What curl, Python's requests and Go's net/http have in common, with what each of them has besides.

    Entries are separated by commas or blanks: `*`, an IP address, a CIDR block, or a domain, which stands for its
    subdomains as well, with or without a leading dot or `*.`. All but `*` and blocks may have a port. Sources: curl,
    "NO_PROXY" of its manual page; golang.org/x/net/http/httpproxy, `Config.NoProxy`.
    """

    entries: Sequence[_Matches] = ()

    @classmethod
    def parse(cls, text: str) -> "NoProxy":
        return cls(tuple(_entry(word) for word in re.split(r"[\s,]+", text.lower()) if word))

    def matches(self, host: str, port: int) -> bool:
        """Whether the host is reached directly, as loopback always is."""
        return _is_loopback(host) or any(matches(host, port) for matches in self.entries)


def _entry(word: str) -> _Matches:
    if word == "*":
        return lambda _host, _port: True
    if "/" in word:
        return _block(word)
    parts = _WITH_PORT.fullmatch(word)
    if not parts:  # an IPv6 address without brackets
        return _host_matches(word, None)
    return _host_matches(parts["address"] or parts["name"] or "", parts["port"])


def _block(word: str) -> _Matches:
    try:
        block = ipaddress.ip_network(word, strict=False)
    except ValueError:
        return lambda _host, _port: False
    return lambda host, _port: (address := _address(host)) is not None and address in block


def _host_matches(host: str, port: str | None) -> _Matches:
    address = _address(host)
    domain = host.removeprefix("*").strip(".")

    def matches(other_host: str, other_port: int) -> bool:
        if port and int(port) != other_port:
            return False
        if address:
            return _address(other_host) == address
        return bool(domain) and f".{other_host.rstrip('.')}".endswith(f".{domain}")

    return matches


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)
