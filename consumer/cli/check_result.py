"""The result of one check."""

from typing import Literal, NamedTuple

State = Literal["ok", "note", "warning", "problem"]


class CheckResult(NamedTuple):
    """What was checked (`subject`), and what the check says about it (`detail`)."""

    state: State
    subject: str
    detail: str

    def as_dict(self) -> dict[str, str]:
        return {"state": self.state, "what": self.subject, "found": self.detail}


def failing_states(strict: bool) -> frozenset[str]:
    """The states of a check that fails: problems, and with `strict` warnings too."""
    return frozenset(["problem", "warning"]) if strict else frozenset(["problem"])


def ok(subject: str, detail: str) -> CheckResult:
    return CheckResult("ok", subject, detail)


def note(subject: str, detail: str) -> CheckResult:
    return CheckResult("note", subject, detail)


def warning(subject: str, detail: str) -> CheckResult:
    return CheckResult("warning", subject, detail)


def problem(subject: str, detail: str) -> CheckResult:
    return CheckResult("problem", subject, detail)
