"""The authorities and the proxy for the token endpoint (OIDC), which the Kafka client asks with libcurl."""

import os
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import certifi

_PROXY_VARIABLES = ("HTTP_PROXY", "ALL_PROXY", "NO_PROXY")
_AUTHORITIES = ("https.ca.location", "https.ca.pem")
# The bundles of Debian and Alpine, of Fedora and RHEL, of SUSE, and of macOS (Go, crypto/x509/root_linux.go).
_PLATFORM_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)


def uses_token_endpoint(options: Mapping[str, Any]) -> bool:
    """Whether the client itself asks an endpoint for its tokens."""
    return str(options.get("sasl.oauthbearer.method", "")).strip().lower() == "oidc"


def authority_options(options: Mapping[str, Any]) -> dict[str, str]:
    """
    The option that names the authorities of the token endpoint; none if the client asks no endpoint, or has the option.

    Without it libcurl reads the file that the machine which built the wheel had, /etc/pki/tls/certs/ca-bundle.crt, and
    where this file is missing, as on Debian, the client asks for no token. A private authority of the brokers counts as
    well, because the endpoint of a private network mostly has a certificate of the same authority.
    """
    if not uses_token_endpoint(options) or any(name in options for name in _AUTHORITIES):
        return {}
    bundle = platform_bundle()
    broker_authorities = list(_broker_authorities(options))
    if not broker_authorities:
        return {"https.ca.location": bundle}
    return {"https.ca.pem": "\n".join([*broker_authorities, _certificates(Path(bundle))])}


def direct_libcurl(https_proxy: str) -> None:
    """
    Let the client ask its token endpoint through this proxy; "" is none.

    libcurl takes its proxies from the environment of the process and has no option for them, so this changes the
    environment. The settings can come from elsewhere, such as a file, and TRUST_PROXY_ENV=false ignores them. NO_PROXY
    is left out, because libcurl understands other entries than the service does, which decides.
    """
    for name in ("https_proxy", *_PROXY_VARIABLES, *map(str.lower, _PROXY_VARIABLES)):
        os.environ.pop(name, None)
    if not https_proxy:
        os.environ.pop("HTTPS_PROXY", None)
    elif os.environ.get("HTTPS_PROXY") != https_proxy:  # another client may be reading it
        os.environ["HTTPS_PROXY"] = https_proxy


def platform_bundle() -> str:
    """The path of SSL_CERT_FILE or of SSL_CERT_DIR, else the file of OpenSSL or of the platform, else of certifi."""
    chosen = os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")
    if chosen and Path(chosen).exists():
        return chosen
    paths = ssl.get_default_verify_paths().cafile, *_PLATFORM_BUNDLES
    return next((path for path in paths if path and Path(path).is_file()), certifi.where())


def _broker_authorities(options: Mapping[str, Any]) -> Iterator[str]:
    """The certificates that the options for brokers name. A file that cannot be read is a mistake of these options."""
    if "ssl.ca.pem" in options:
        yield str(options["ssl.ca.pem"])
    location = str(options.get("ssl.ca.location", "probe"))
    if location == "probe":
        return
    yield from filter(None, [_certificates(Path(location))])


def _certificates(path: Path) -> str:
    """The text of a file, or of those files of a folder that have OpenSSL's names; "" if they cannot be read."""
    files = sorted(path.glob("*.[0-9]")) if path.is_dir() else [path]
    try:
        return "\n".join(file.read_text(errors="replace") for file in files)
    except OSError:
        return ""
