"""The end of the release, an installation that its check refuses, and how docs/deploy.md continues after it."""

import pytest

from tests.chart.rendering import NAMESPACE
from tests.cluster.broker import TOPIC
from tests.cluster.conftest import Account
from tests.cluster.offsets import lag
from tests.cluster.release import NAME, Release, documented
from tests.support import wait_until

pytestmark = pytest.mark.timeout(400)


def test_a_later_installation_continues_where_the_last_one_stopped(release: Release, account: Account) -> None:
    with account("uninstalled, refused, installed again", max_worst=90) as observed:
        release.must(f"helm --namespace {NAMESPACE} uninstall sprig --wait")
        assert not release.objects("deployments,services,configmaps", "--selector=app.kubernetes.io/instance=sprig")
        refused = release.run(documented("helm install sprig"), "--set", "settings.KAFKA_TOPIC=not-there")
        assert refused.returncode
        assert "topic not-there" in release.check_log()
        release.must(documented("helm upgrade --install sprig"))
        release.must(documented(f"kubectl --namespace {NAMESPACE} rollout status deployment/{NAME}"))
        release.wait_for_members(2)
    assert {end.code for end in observed.ends} == {0}
    wait_until(lambda: lag(TOPIC) < 1000, "a small lag")
