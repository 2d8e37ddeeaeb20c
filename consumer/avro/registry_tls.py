"""TLS with the schema registry: whom the service trusts, and what it shows of itself."""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from consumer.errors import SettingsError
from consumer.http_client.client import default_tls


def registry_tls(options: Mapping[str, Any]) -> ssl.SSLContext:
    """For valid options. Raises SettingsError for a file that cannot be used."""
    context = _trust(options.get("ssl.ca.location"))
    certificate, key = options.get("ssl.certificate.location"), options.get("ssl.key.location")
    if certificate:
        password = str(options.get("ssl.key.password", ""))
        try:
            # A function, because OpenSSL would ask on the terminal for a password that is not given.
            context.load_cert_chain(certificate, key, lambda: password)
        except OSError as error:
            raise _unusable("ssl.certificate.location, ssl.key.location or ssl.key.password", error) from None
    return context


def _trust(location: str | None) -> ssl.SSLContext:
    if not location:
        return default_tls()
    try:
        if Path(location).is_dir():
            return ssl.create_default_context(capath=location)
        return ssl.create_default_context(cafile=location)
    except OSError as error:
        raise _unusable("ssl.ca.location", error) from None


def _unusable(options: str, error: OSError) -> SettingsError:
    cause = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return SettingsError(f"SCHEMA_REGISTRY_CONFIG: {options}: cannot use the file: {cause}")
