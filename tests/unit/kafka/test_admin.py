"""What an operator asks the brokers: a group of a cluster on which no group ever existed."""

from collections.abc import Mapping
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from consumer.errors import NotPermitted, ServiceError
from consumer.kafka import admin as admin_module
from consumer.kafka.admin import GroupDescription, KafkaAdmin

DEAD = SimpleNamespace(state=SimpleNamespace(name="DEAD"), members=[], authorized_operations=[])


class FreshCluster:
    """Stands for the admin client: it has no coordinator for the first `failures` questions."""

    def __init__(self, failures: int, code: int = KafkaError.NOT_COORDINATOR) -> None:
        self.failures, self._code = failures, code

    def __call__(self, _config: Mapping[str, Any]) -> "FreshCluster":
        return self

    def describe_consumer_groups(self, groups: list[str], **_: Any) -> Mapping[str, Future[Any]]:
        future: Future[Any] = Future()
        self.failures -= 1
        if self.failures >= 0:
            future.set_exception(KafkaException(KafkaError(self._code)))
        else:
            future.set_result(DEAD)
        return {groups[0]: future}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_module, "RETRY_INTERVAL", 0.001)


def group_of(client: FreshCluster, monkeypatch: pytest.MonkeyPatch) -> GroupDescription | None:
    monkeypatch.setattr(admin_module, "AdminClient", client)
    return KafkaAdmin("broker:9092", {}).group("group")


@pytest.mark.parametrize(
    "code",
    [
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.NOT_COORDINATOR,
    ],
)
def test_a_cluster_without_a_coordinator_is_asked_again(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert group_of(FreshCluster(3, code), monkeypatch) == GroupDescription(False, 0, frozenset())


def test_a_cluster_that_never_has_a_coordinator_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin_module, "ANSWER_SECONDS", 0.01)
    with pytest.raises(ServiceError):
        group_of(FreshCluster(10**9), monkeypatch)


def test_any_other_error_is_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    client = FreshCluster(3, KafkaError.GROUP_AUTHORIZATION_FAILED)
    with pytest.raises(NotPermitted, match="needs READ for this group"):
        group_of(client, monkeypatch)
    assert client.failures == 2
