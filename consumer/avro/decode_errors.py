"""What is wrong with bytes that a schema does not describe, by the error of the Avro library."""


def undecodable_because(error: Exception) -> str:
    """What is wrong with the bytes. The texts of the library tell more about them, but can have a part of the value."""
    match error:
        case EOFError() if "Expected -" in str(error):
            return "a length is below zero"
        case KeyError():  # `strict` looks numbers up in a dict
            return "a number stands for no branch of its union, or for no symbol of its enum"
        case EOFError() | IndexError():
            return "the value ends inside the record"
    return "the schema does not describe these bytes"
