"""How a setting is declared: its type, with the rules that a value must keep by itself, its default and its meaning."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Secret

from consumer.segment_limits import MAX_EVENT_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_EVENTS
from consumer.settings import bootstrap_servers, urls, validators
from consumer.settings.validators import Scalar, above_zero, at_least, at_most

MIN_REQUEST_BYTES = MAX_EVENT_BYTES + 1_000  # the largest event, and what surrounds the events of a request

_UNIT = "the unit is seconds"
_MAX_LINGER, _MAX_ATTEMPT, _MAX_SHUTDOWN, _MAX_SUMMARY = (
    300,
    600,
    3600,
    86_400,
)  # seconds; larger values are milliseconds by mistake

Text = Annotated[str, AfterValidator(validators.unpadded)]
Servers = Annotated[str, AfterValidator(bootstrap_servers.check)]
Topic = Annotated[str, AfterValidator(validators.topic)]
Region = Annotated[str, AfterValidator(validators.region)]
RegistryUrl = Annotated[str, AfterValidator(urls.registry)]
Options = Annotated[Secret[dict[str, Scalar]], BeforeValidator(validators.scalars)]
Keys = Annotated[Secret[dict[str, str]], BeforeValidator(validators.write_keys)]

RegistryType = Literal["confluent", "apicurio", "glue", "azure"]
FramingName = Literal[
    "confluent",
    "confluent-header",
    "single-object",
    "glue",
    "apicurio",
    "apicurio-header",
    "azure",
    "auto",
    "raw",
]
RejectAction = Literal["dead-letter", "block", "skip"]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(validators.lower)]

Count = Annotated[int, AfterValidator(at_least(1))]
ThreadCount = Annotated[Count, AfterValidator(at_most(1000, "each of them has a thread"))]
Port = Annotated[int, AfterValidator(at_least(0)), AfterValidator(at_most(65_535))]
BatchEvents = Annotated[
    Count, AfterValidator(at_most(MAX_REQUEST_EVENTS, "Segment answers 200 to larger batches and drops them"))
]
BatchBytes = Annotated[
    int,
    AfterValidator(at_least(MIN_REQUEST_BYTES, "the largest event that Segment accepts must fit")),
    AfterValidator(at_most(MAX_REQUEST_BYTES, "Segment refuses larger requests")),
]

LingerSeconds = Annotated[float, AfterValidator(above_zero), AfterValidator(at_most(_MAX_LINGER, _UNIT))]
AttemptSeconds = Annotated[float, AfterValidator(above_zero), AfterValidator(at_most(_MAX_ATTEMPT, _UNIT))]
ShutdownSeconds = Annotated[float, AfterValidator(above_zero), AfterValidator(at_most(_MAX_SHUTDOWN, _UNIT))]
SummarySeconds = Annotated[float, AfterValidator(at_least(0)), AfterValidator(at_most(_MAX_SUMMARY, _UNIT))]


def setting(default: Any, meaning: str, shown: str = "") -> Any:
    """A setting with a default. `shown` is the default in words if it is not a plain value."""
    source = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**source, description=meaning, json_schema_extra={"shown": shown})
