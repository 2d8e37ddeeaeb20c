"""What was expected where a file is no JSON Schema draft-07, in words for who writes contracts."""

from typing import Any

from consumer.contract.keywords import nearest
from consumer.contract.walk import NAMED, Place

_TYPES = ("string", "number", "integer", "boolean", "array", "object", "null")
_A_TIME = '; a time is a string with "format": "date-time"'
_FORMATS = ("date-time", "date", "time", "email", "hostname", "ipv4", "ipv6", "uri", "uri-reference", "regex")


def hint(place: Place, value: Any, message: str) -> str:
    """`value` is what stands at the place, `message` what the library says of it."""
    if _is_property(place):
        return 'a schema such as {"type": "string"}, or {"const": ..} for what is the same in every call'
    match place[-1:]:
        case ("type",):
            near = _A_TIME if str(value).startswith(("date", "time")) else nearest(value, _TYPES)
            return f"one of {', '.join(_TYPES)}, or a list of them{near}"
        case ("properties",):
            return "an object: the properties' schemas by their names"
        case ("required",):
            return "a list of the names of required properties, beside `properties`"
        case ("format",):
            return f"a format of draft-07, such as {', '.join(_FORMATS[:4])} or uri{nearest(value, _FORMATS)}"
        case ("$ref",):
            return f'the place of a schema in this file, such as "#/definitions/name"; there is no {value}'
        case _:
            return f"JSON Schema draft-07: {message}"


def _is_property(place: Place) -> bool:
    """Whether the last step is a name, and not the keyword that it may look like."""
    name = next_is_name = False
    for step in place:
        name, next_is_name = next_is_name, not next_is_name and step in NAMED
    return name
