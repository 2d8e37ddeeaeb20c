"""The hosts of NO_PROXY, which are reached directly."""

import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_Matches = Callable[[str, int], bool]
_WITH_PORT = re.compile(r"(?:\[(?P<address>[^\]]*)\]|(?P<name>[^:]*))(?::(?P<port>[0-9]{1,5}))?")
# The last label has more than digits, because a name such as 10.1.2 is an address with a part missing.
_DOMAIN = re.compile(r"\*?\.?(?:[a-z0-9_-]+\.)*[0-9]*[a-z_-][a-z0-9_-]*\.?")


@dataclass(frozen=True, slots=True)
class NoProxy:
    """
    What curl, Python's requests and Go's net/http have in common, with what each of them has besides.

    Entries are separated by commas or blanks: `*`, an IP address, a CIDR block, or a domain, which stands for its
    subdomains as well, with or without a leading dot or `*.`. All but `*` and blocks may have a port. Sources: curl,
    "NO_PROXY" of its manual page; golang.org/x/net/http/httpproxy, `Config.NoProxy`.
    """

    entries: Sequence[_Matches] = ()
    mistakes: Sequence[int] = ()
    """Which entries match nothing because they have none of these forms, from 1."""

    @classmethod
    def parse(cls, text: str) -> "NoProxy":
        entries = [_entry(word) for word in re.split(r"[\s,]+", text.lower()) if word]
        mistakes = [number for number, matches in enumerate(entries, 1) if not matches]
        return cls(tuple(filter(None, entries)), tuple(mistakes))

    def matches(self, host: str, port: int) -> bool:
        """Whether the host is reached directly, as loopback always is."""
        return _is_loopback(host) or any(matches(host, port) for matches in self.entries)


def _entry(word: str) -> _Matches | None:
    """None if the word has no form that can match."""
    if word == "*":
        return lambda _host, _port: True
    if "/" in word:
        return _block(word)
    parts = _WITH_PORT.fullmatch(word)
    if not parts:
        return _address_matches(word, None)  # an IPv6 address without brackets
    port = int(parts["port"]) if parts["port"] else None
    if port is not None and not 0 < port < 65536:
        return None
    if _DOMAIN.fullmatch(parts["name"] or ""):
        return _domain_matches(parts["name"], port)
    return _address_matches(parts["address"] or parts["name"], port)


def _block(word: str) -> _Matches | None:
    try:
        block = ipaddress.ip_network(word, strict=False)
    except ValueError:
        return None
    return lambda host, _port: (address := _address(host)) is not None and address in block


def _address_matches(text: str, port: int | None) -> _Matches | None:
    address = _address(text)
    if address is None:
        return None
    return lambda host, other_port: port in (None, other_port) and _address(host) == address


def _domain_matches(name: str, port: int | None) -> _Matches:
    suffix = "." + name.removeprefix("*").strip(".")
    return lambda host, other_port: port in (None, other_port) and f".{host.rstrip('.')}".endswith(suffix)


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)
