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

FRAMINGS = frozenset({*REGISTRY_OF, "single-object", "raw"})
"""All framings of values that AVRO_FRAMING names."""

_BASIC = "basic.auth.user.info"
_BEARER = frozenset(name for name in OPTIONS if name.startswith("bearer."))
_REFUSED: Mapping[str, frozenset[str]] = {
    "confluent": frozenset({USE_ID, REGION}),
    "apicurio": frozenset({STRATEGY, REGION}),
    "glue": _BEARER | {STRATEGY, USE_ID, _BASIC},
    "azure": frozenset({STRATEGY, USE_ID, REGION, _BASIC}),
}
_GLUE_HOST = re.compile(r"//(?:[^/]*\.)?glue(?:-fips)?\.([a-z]+(?:-[a-z0-9]+)+-[0-9]+)\.", re.IGNORECASE)
_MARKS: Sequence[tuple[str, re.Pattern[str], str]] = (
    ("glue", _GLUE_HOST, "a host of AWS Glue"),
    ("azure", re.compile(r"//[^/]*\.servicebus\.[a-z.]+(?:[:/]|$)", re.IGNORECASE), "a host of Azure Event Hubs"),
    ("apicurio", re.compile(r"/apis/registry/"), "the path of Apicurio's own API"),
    ("confluent", re.compile(r"/apis/ccompat/"), "the path of Apicurio's API that is Confluent's"),
)
"""URLs of a type of registry, whose clients get no schema from any other type."""


def has_apicurio_prefix(framing: str, registry: str) -> bool:
    """Whether AVRO_FRAMING with SCHEMA_REGISTRY_TYPE reads values with an id of Apicurio before the body."""
    return framing == "apicurio" or (framing == "auto" and registry == "apicurio")


def what_to_set(framing: str) -> str:
    """The settings that read values of a framing, as the table "What to set" of docs/avro.md has them."""
    settings = [f"AVRO_FRAMING={framing}"]
    if framing in REGISTRY_OF:
        settings.insert(0, f"SCHEMA_REGISTRY_TYPE={REGISTRY_OF[framing]}")
    if framing == "apicurio":
        settings.append(f"{USE_ID} in SCHEMA_REGISTRY_CONFIG")
    return ", ".join(settings)


def url_mistakes(registry: str, urls: str) -> list[str]:
    """What is wrong with valid URLs, separated by commas, for this type of registry. No line has a URL."""
    separate = [url.strip().rstrip("/") + "/" for url in urls.split(",")]
    wrong = dict.fromkeys(mistake for url in separate if (mistake := _type_mistake(registry, url)))
    if registry == "glue" and len(set(map(_region_of, separate)) - {""}) > 1:
        wrong["SCHEMA_REGISTRY_URL has hosts of several regions: each region of AWS Glue has schemas of its own"] = None
    if registry == "apicurio" and len({"/apis/registry/v2/" in url for url in separate}) > 1:
        wrong["SCHEMA_REGISTRY_URL has several versions of Apicurio's API: name one version for all"] = None
    return list(wrong)


def type_mistakes(options: Mapping[str, object], registry: str, url: str) -> list[str]:
    """What is wrong with valid options for this type of registry at `url`. No line has a value."""
    return list(_mistakes(options, registry, url))


def glue_region(options: Mapping[str, object], url: str) -> str:
    """The region of AWS Glue: that of the options, or else that of the URL's host; "" if neither names one."""
    if REGION in options:
        return str(options[REGION])
    return _region_of(url)


def _region_of(url: str) -> str:
    match = _GLUE_HOST.search(url)
    return match[1].lower() if match else ""


def _type_mistake(registry: str, url: str) -> str:
    """`url` ends with a slash; "" if it can be of this type of registry."""
    for other, mark, meaning in _MARKS:
        if other != registry and mark.search(url):
            return f"SCHEMA_REGISTRY_URL has {meaning}: set SCHEMA_REGISTRY_TYPE={other}, or another URL"
    if registry == "apicurio" and url.endswith("/api/"):
        return "SCHEMA_REGISTRY_URL is that of version 1 of Apicurio's API: it must end with /apis/registry/v2 or v3"
    return ""


def _mistakes(options: Mapping[str, object], registry: str, url: str) -> Iterator[str]:
    for name in sorted(options.keys() & _REFUSED[registry]):
        yield f"{name} is refused: SCHEMA_REGISTRY_TYPE={registry} has no such option"
    regions = {_region_of(part) for part in url.split(",")} - {""}
    if registry == "glue" and REGION in options and regions - {options[REGION]}:
        yield f"{REGION} is not the region in the host of SCHEMA_REGISTRY_URL: remove it, or correct one of the two"
    if registry == "glue" and not glue_region(options, url):
        yield f"{REGION} is required, because the host of SCHEMA_REGISTRY_URL is not glue.REGION.amazonaws.com"
    if registry == "azure" and SOURCE not in options:
        yield f"{SOURCE} is required by SCHEMA_REGISTRY_TYPE=azure: OAUTHBEARER, with a client of Microsoft Entra"
