"""The types of schema registries (SCHEMA_REGISTRY_TYPE): the framings and the options that each of them has."""

import re
from collections.abc import Iterator, Mapping, Sequence

from consumer.avro.registry_options import OPTIONS, REGION, SOURCE, STRATEGY, USE_ID

REGISTRIES: Mapping[str, Sequence[str]] = {
    "confluent": ("confluent", "confluent-header"),
    "apicurio": ("apicurio", "apicurio-header"),
    "glue": ("glue",),
    "azure": ("azure",),
}
"""The framings that name the schemas of each type of registry, the usual one first."""

REGISTRY_OF: Mapping[str, str] = {name: registry for registry, names in REGISTRIES.items() for name in names}
"""The type of registry that a framing needs. The other framings need none."""

_BASIC = "basic.auth.user.info"
_BEARER = frozenset(name for name in OPTIONS if name.startswith("bearer."))
_REFUSED: Mapping[str, frozenset[str]] = {
    "confluent": frozenset({USE_ID, REGION}),
    "apicurio": frozenset({STRATEGY, REGION}),
    "glue": _BEARER | {STRATEGY, USE_ID, _BASIC},
    "azure": frozenset({STRATEGY, USE_ID, REGION, _BASIC}),
}
_GLUE_HOST = re.compile(r"//(?:[^/]*\.)?glue(?:-fips)?\.([a-z]+(?:-[a-z0-9]+)+-[0-9]+)\.")


def type_mistakes(options: Mapping[str, object], registry: str, url: str) -> list[str]:
    """What is wrong with valid options for this type of registry at `url`. No line has a value."""
    return list(_mistakes(options, registry, url))


def glue_region(options: Mapping[str, object], url: str) -> str:
    """The region of AWS Glue: that of the options, or else that of the URL's host; "" if neither names one."""
    if REGION in options:
        return str(options[REGION])
    match = _GLUE_HOST.search(url)
    return match[1] if match else ""


def _mistakes(options: Mapping[str, object], registry: str, url: str) -> Iterator[str]:
    for name in sorted(options.keys() & _REFUSED[registry]):
        yield f"{name} is refused: SCHEMA_REGISTRY_TYPE={registry} has no such option"
    if registry == "glue" and not glue_region(options, url):
        yield f"{REGION} is required, because the host of SCHEMA_REGISTRY_URL is not glue.REGION.amazonaws.com"
    if registry == "azure" and SOURCE not in options:
        yield f"{SOURCE} is required by SCHEMA_REGISTRY_TYPE=azure: OAUTHBEARER, with a client of Microsoft Entra"
