"""Why a broker's certificate is refused: librdkafka says the same for each reason, so this asks the broker itself."""

import socket
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMEOUT = 2.0  # seconds, for the connection and for each step of the handshake

# OpenSSL's X509_V_ERR_* (openssl/x509_vfy.h).
_HOST_NAME, _EXPIRED, _NOT_YET_VALID = (62, 64), 10, 9


def certificate_mistake(host: str, port: int, options: Mapping[str, Any]) -> str:
    """
    What is wrong with the certificate at this address, by a handshake that sends nothing; "" if that is not known.

    `options` are those of the client, which name the authorities that it trusts.
    """
    try:
        context = _context(options)
        with socket.create_connection((host, port), TIMEOUT) as connection:
            context.wrap_socket(connection, server_hostname=host).close()
    except ssl.SSLCertVerificationError as error:
        return _explain(error, host)
    except (OSError, ValueError):
        return ""
    return ""


def _context(options: Mapping[str, Any]) -> ssl.SSLContext:
    """A context that trusts the authorities of the client."""
    location, text = options.get("ssl.ca.location"), options.get("ssl.ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if text:
        context.load_verify_locations(cadata=str(text))
    if location and Path(str(location)).is_dir():
        context.load_verify_locations(capath=str(location))
    elif location and location != "probe":
        context.load_verify_locations(cafile=str(location))
    if not text and location in (None, "probe"):
        context.load_default_certs()
    return context


def _explain(error: ssl.SSLCertVerificationError, host: str) -> str:
    if error.verify_code in _HOST_NAME:
        return f"TLS fails: the broker's certificate is not for {host}: use the name that the certificate has"
    if error.verify_code == _EXPIRED:
        return "TLS fails: the broker's certificate has expired"
    if error.verify_code == _NOT_YET_VALID:
        return "TLS fails: the broker's certificate is not valid yet: check the clock"
    return (
        "TLS fails: the broker's certificate is of an authority that the client does not trust: set ssl.ca.location in "
        f"KAFKA_CONFIG to a file with that authority ({error.verify_message})"
    )
