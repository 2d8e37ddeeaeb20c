"""An operator's desk: commands called with the settings of a flow, as a person or a script calls them."""

import json
import os
import pty
import subprocess
import termios
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support import COMMAND, KEYS, Flow


@dataclass
class Desk:
    """`settings` replace the flow's."""

    flow: Flow
    settings: Mapping[str, str] = field(default_factory=dict)

    def call(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """In a pipe. Never a stack trace, never a secret."""
        done = subprocess.run(
            [COMMAND, *arguments],
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr, done.stderr
        assert not any(key in done.stdout + done.stderr for key in KEYS.values())
        return done

    def told(self, *arguments: str, code: int = 0) -> Any:
        """What a command with JSON output says, in one line."""
        done = self.call(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def lines(self, *arguments: str) -> list[Any]:
        """What a command with JSON lines says."""
        done = self.call(*arguments)
        assert done.returncode == 0, done.stdout + done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    def seen(self, *arguments: str) -> str:
        """What a person sees on a terminal."""
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(ours, (40, 150))
        environment = {**self._environment(), "TERM": "xterm"}
        running = subprocess.Popen([COMMAND, *arguments], env=environment, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        shown = b""
        with os.fdopen(ours, "rb", buffering=0) as screen:
            while chunk := _read(screen):
                shown += chunk
        assert running.wait(30) == 0, shown.decode()
        return shown.decode().replace("\r\n", "\n")

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], **self.flow.environment(), **self.settings}


def _read(screen: Any) -> bytes:
    try:
        return bytes(screen.read(65536))
    except OSError:  # as Linux says that the other side of a terminal is closed
        return b""
