"""The public workflows: what they use has a digest, and the job that signs a release runs no code of the tests."""

import re
from typing import Any

import pytest
import yaml

from tests.pages import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PUBLISH: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / "publish.yml").read_text())["jobs"]
SIGNING = {name: job for name, job in PUBLISH.items() if "id-token" in job["permissions"]}
# Who may run in the job that can sign.
TRUSTED = {
    "actions/checkout",
    "sigstore/cosign-installer",
    "actions/attest-build-provenance",
    "actions/upload-artifact",
}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_an_action_is_used_by_its_commit(path: Any) -> None:
    uses = re.findall(r"uses: (.+)", path.read_text())
    assert uses
    assert not [line for line in uses if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)]


def test_the_base_image_has_a_digest_that_dependabot_can_update() -> None:
    """Dependabot does not update an image that an ARG names."""
    images = re.findall(r"(?m)^FROM (\S+)", (ROOT / "Dockerfile").read_text())
    assert re.fullmatch(r"python:3\.13-slim-trixie@sha256:[0-9a-f]{64}", images[0])
    assert set(images[1:]) == {"base"}


def test_one_job_signs_and_waits_for_the_others() -> None:
    (signing,) = SIGNING
    assert set(PUBLISH[signing]["needs"]) == PUBLISH.keys() - {signing}


def test_the_signing_job_runs_no_code_of_the_tests() -> None:
    (job,) = SIGNING.values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert not re.findall(r"\b(?:make|python3?|pip|pytest|tests)\b", commands)
    assert {step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step} <= TRUSTED


def test_image_and_chart_are_signed_and_have_their_provenance() -> None:
    (job,) = SIGNING.values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    attested = [step["with"] for step in job["steps"] if "attest-build-provenance" in step.get("uses", "")]
    assert [step["subject-name"].rpartition("}}")[2] for step in attested] == [
        "/sprig-to-segment",
        "/charts/sprig-to-segment",
    ]
    assert all(step["push-to-registry"] is True for step in attested)
    assert len(re.findall(r'(?m)^cosign sign --yes "\$(image|chart)"$', commands)) == 2
    assert 'cosign attest --yes --type cyclonedx --predicate sbom.cdx.json "$image"' in commands


def test_the_release_keeps_the_wheel_of_the_image() -> None:
    (job,) = SIGNING.values()
    (uploaded,) = [step["with"]["path"] for step in job["steps"] if "upload-artifact" in step.get("uses", "")]
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert {"dist/*.whl", "dist/*.tgz", "sbom.cdx.json"} == set(uploaded.split())
    assert "docker run --rm --network none builder tar -c -C /build/dist . | tar -x -C dist" in commands
    assert "--wheel-dir dist" in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_step_fails_with_each_command_of_its_pipes(path: Any) -> None:
    """Without a named shell, bash has no pipefail, and the last command of a pipe alone decides."""
    workflow = yaml.safe_load(path.read_text())
    shell = workflow.get("defaults", {}).get("run", {}).get("shell")
    for job in workflow["jobs"].values():
        for step in job["steps"]:
            if re.search(r"(?<!\|)\|(?!\|)", step.get("run", "")):
                assert step.get("shell", shell) == "bash"


def test_the_build_fails_without_a_wheel() -> None:
    (job,) = SIGNING.values()
    (build,) = [step["run"] for step in job["steps"] if step.get("name") == "Build"]
    assert build.splitlines()[-1] == "ls dist/sprig_to_segment-*.whl"


def test_dependabot_updates_each_kind_of_dependency() -> None:
    updates = yaml.safe_load((ROOT / ".github" / "dependabot.yml").read_text())["updates"]
    folders = {
        (update["package-ecosystem"], folder)
        for update in updates
        for folder in update.get("directories", [update.get("directory")])
    }
    assert folders == {
        ("github-actions", "/"),
        ("docker", "/"),
        ("pip", "/"),
        ("pip", "/requirements"),
        ("gomod", "/tests/infra/kubernetes"),
        ("maven", "/tests/infra/kafka"),
    }
