"""What is left of a template or an example in a value: quotes, references to variables, words in place of a key."""

import re

_QUOTES = "'\"`\u2018\u2019\u201c\u201d\u201e\u00ab\u00bb"

# References to variables, as shells and Compose (${NAME}), Kubernetes ($(NAME)) and template languages ({{ name }})
# write them; and those of a form that a password could have by chance ($NAME, %NAME%), or that is for people (<name>).
_REFERENCE = re.compile(r"\$\{[A-Za-z_][^{}]*\}|\$\([A-Za-z_][^()]*\)|\{\{.*\}\}")
_LOOSE_REFERENCE = re.compile(r"\$[A-Za-z_]\w*|%\w+%|<[^<>]*>")

# What templates print for a value that does not exist.
_ABSENT = frozenset({"null", "none", "nil", "undefined", "novalue"})

# The words of which "your_write_key", "<insert key here>" or "changeme" consist. None of them could be a random key.
_KEY_WORDS = r"a|api|dev|development|eu|here|it|key|me|my|of|prod|production|real|secret|segment|source|sprig|staging"
_KEY_WORDS += r"|test|the|this|token|us|with|write"
_INSTRUCTIONS = r"your|insert|enter|paste|replace|change|placeholder|todo|fixme|tbd"
_INSTRUCTION = re.compile(
    rf"(?:{_KEY_WORDS})*(?:{_INSTRUCTIONS})(?:{_KEY_WORDS}|{_INSTRUCTIONS})*|(?:segment|my|the)?writekey"
)
_REPEATED = re.compile(r"(.)\1{2,}")


def is_quoted(text: str) -> bool:
    """Whether the text is in quotes of any kind."""
    return len(text) > 1 and text[0] in _QUOTES and text[-1] in _QUOTES


def is_reference(text: str) -> bool:
    """Whether the text is nothing but a reference, in a form that no password has by chance."""
    return bool(_REFERENCE.fullmatch(text.strip()))


def is_unresolved(text: str) -> bool:
    """Whether the text is nothing but a reference, or words for people in angle brackets."""
    return is_reference(text) or bool(_LOOSE_REFERENCE.fullmatch(text.strip()))


def is_instruction(text: str) -> bool:
    """Whether a key says in words that it is to be replaced; a key with letters in an order of chance never does."""
    letters = re.sub(r"[^a-z0-9]", "", text.lower())
    return (
        not letters or letters in _ABSENT or bool(_REPEATED.fullmatch(letters)) or bool(_INSTRUCTION.fullmatch(letters))
    )
