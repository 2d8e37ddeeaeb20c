"""The types of the settings: what pydantic makes of the rules."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, Secret

from consumer.settings import validators
from consumer.settings.validators import Scalar, above_zero, at_least, at_most

Count = Annotated[int, AfterValidator(at_least(1))]
Seconds = Annotated[float, AfterValidator(above_zero)]
Port = Annotated[int, AfterValidator(at_least(0)), AfterValidator(at_most(65_535))]
Topic = Annotated[str, AfterValidator(validators.topic)]
Region = Annotated[str, AfterValidator(validators.region)]
RegistryUrl = Annotated[str, AfterValidator(validators.registry)]
Options = Annotated[Secret[dict[str, Scalar]], BeforeValidator(validators.scalars)]
Keys = Annotated[Secret[dict[str, str]], BeforeValidator(validators.write_keys)]
Framing = Literal["confluent", "confluent-header", "single-object", "auto", "raw"]
Treatment = Literal["dead-letter", "block", "skip"]
LogLevel = Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(validators.lower)]

# The limits are Segment's: HTTP Tracking API, "Batch" and "Max request size".
BatchEvents = Annotated[Count, AfterValidator(at_most(2500, "Segment answers 200 to larger batches and drops them"))]
BatchBytes = Annotated[
    int,
    AfterValidator(at_least(33_000, "the largest event that Segment takes must fit")),
    AfterValidator(at_most(500_000, "Segment refuses larger requests")),
]


def setting(default: Any, meaning: str, shown: str = "") -> Any:
    """A setting that may be left out. `shown` is its default in words where it is not a plain value."""
    source = {"default_factory": default} if callable(default) else {"default": default}
    return Field(**source, description=meaning, json_schema_extra={"shown": shown})
