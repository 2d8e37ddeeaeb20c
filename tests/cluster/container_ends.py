"""Watches the pods of the members: how each container ended, and how long after the request. Keeps all logs."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.chart.rendering import NAMESPACE
from tests.cluster.release import MEMBERS, Manifest, Pod, Release
from tests.infra.get_helm import helm


@dataclass(frozen=True, slots=True)
class ContainerEnd:
    """`after` is the time since the pod was asked to end, in seconds; None if nobody asked."""

    pod: str
    code: int
    reason: str
    at: float
    after: float | None

    @property
    def summary(self) -> str:
        """The exit code, and the seconds after the request."""
        return f"{self.code}" if self.after is None else f"{self.code}/{self.after:.1f}s"


class PodWatcher:
    def __init__(self, release: Release, cluster_folder: Path) -> None:
        self._release, self._folder = release, cluster_folder
        (cluster_folder / "logs").mkdir(exist_ok=True)
        self._ends: dict[str, ContainerEnd] = {}
        self._asked_at: dict[str, float] = {}
        self._thread = threading.Thread(target=self._watch, name="pod watcher", daemon=True)
        self._stopped = False

    @contextmanager
    def running(self) -> Iterator["PodWatcher"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stopped = True

    def ends_since(self, began_at: float) -> list[ContainerEnd]:
        assert self._thread.is_alive(), "the watcher of the pods failed"
        return [end for end in self._ends.values() if end.at >= began_at]

    def _watch(self) -> None:
        kubectl = str(helm(4).with_name("kubectl"))
        options = ["get", "pods", f"--selector={MEMBERS}", "--watch", "--output-watch-events", "--output=json"]
        environment = {**os.environ, "KUBECONFIG": str(self._release.cluster.kubeconfig)}
        while not self._stopped:
            with subprocess.Popen(
                [kubectl, "--namespace", NAMESPACE, *options],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            ) as process:
                assert process.stdout
                for line in process.stdout:
                    self._note(Pod(json.loads(line)["object"]))
            time.sleep(0.5)  # an API server that does not answer is not asked without a pause

    def _note(self, pod: Pod) -> None:
        now = time.time()
        self._keep_logs()
        if pod.is_ending:
            self._asked_at.setdefault(pod.uid, now)
        for container in pod.containers:
            for state in (container["state"], container.get("lastState", {})):
                if "terminated" in state:
                    self._note_end(pod, state["terminated"], now)

    def _note_end(self, pod: Pod, terminated: Manifest, now: float) -> None:
        if terminated["containerID"] in self._ends:
            return
        asked_at = self._asked_at.get(pod.uid)
        after = None if asked_at is None else now - asked_at
        reason = terminated.get("reason", "")
        self._ends[terminated["containerID"]] = ContainerEnd(pod.name, terminated["exitCode"], reason, now, after)

    def _keep_logs(self) -> None:
        """Link the logs of all containers, because a kubelet deletes a log with its pod."""
        with suppress(OSError):  # a folder was deleted while it was read; the next event comes soon
            for path in self._folder.glob(f"node-*/pod-logs/{NAMESPACE}_*/*/*.log"):
                pod = path.parts[-3].split("_")[1]
                with suppress(OSError):  # it is linked already, or was just deleted
                    (self._folder / "logs" / f"{pod}-{path.name}").hardlink_to(path)
