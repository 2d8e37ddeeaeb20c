"""The whole group as JSON can hold it: what was read, and what somebody has to act for."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from consumer.kafka.group_findings import STALLED_MINUTES, group_findings
from consumer.kafka.group_reader import GroupReader
from consumer.kafka.group_view import GroupView


def group_report(view: GroupView, stalled_minutes: float = STALLED_MINUTES) -> Mapping[str, Any]:
    """The view and its findings. Times are in ms since 1970; what is not known is null."""
    findings = [finding.as_dict() for finding in group_findings(view, stalled_minutes)]
    return {**view.as_dict(), "findings": findings}


@dataclass(frozen=True, slots=True)
class GroupReportReader:
    """Reads the group as a report. Closing it closes the reader."""

    reader: GroupReader

    def read(self) -> Mapping[str, Any]:
        return group_report(self.reader.read())

    def close(self) -> None:
        self.reader.close()
