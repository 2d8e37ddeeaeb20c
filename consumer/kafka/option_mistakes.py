"""Why the client does not accept its options: what librdkafka and OpenSSL say, in words that name option and cause."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_PREFIX = re.compile(r"^Failed to create [\w ]+: ")
_FILE_OPTION = re.compile(r"(?:^|reading |open )(ssl\.[a-z]+\.location)(?: failed|:| PKCS)")
_VALUE = re.compile(r'^Invalid value ".*" for ', re.DOTALL)
_MECHANISMS = "PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"


def option_mistake(client_text: str, options: Mapping[str, Any]) -> str:
    """One line. It repeats no value: a path can be the text of a key that was put into the wrong option."""
    text = _PREFIX.sub("", client_text).strip()
    if "No provider for SASL mechanism GSSAPI" in text:
        return f"sasl.mechanism must be {_MECHANISMS}"
    match = _FILE_OPTION.search(text)
    if match:
        return f"{match[1]} {_file_mistake(str(options.get(match[1], '')), text)}"
    return _VALUE.sub("Invalid value for ", text)


def _file_mistake(path: str, text: str) -> str:
    """What is wrong with the file at this path, about which the client says `text`."""
    if path.startswith("-----BEGIN"):
        return "must be the path of a file, not its text: the options for a text end with .pem"
    try:
        content = Path(path).read_bytes()
    except PermissionError:
        return f"cannot be read: Permission denied for user {os.geteuid()}, as which this process runs"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    if "key values mismatch" in text:
        return "does not belong to the certificate in ssl.certificate.location"
    if b"ENCRYPTED" in content:
        return "cannot be decrypted: check ssl.key.password"
    return "is not a file in the form that the client reads, which is PEM, or PKCS#12 for a keystore"
