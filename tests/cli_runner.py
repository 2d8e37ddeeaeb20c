"""Runs commands with the settings of a flow, as a script in a pipe or a person on a terminal runs them."""

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
class CommandRunner:
    """`settings` replace those of the flow."""

    flow: Flow
    settings: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """In a pipe. Asserts that the output has no stack trace and no secret."""
        result = subprocess.run(
            [COMMAND, *arguments],
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=90,
            check=False,
        )
        assert "Traceback" not in result.stdout + result.stderr, result.stderr
        assert not any(key in result.stdout + result.stderr for key in KEYS.values())
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        """The output of a command that prints one line of JSON."""
        result = self.run(*arguments)
        assert result.returncode == code, result.stdout + result.stderr
        return json.loads(result.stdout)

    def json_lines(self, *arguments: str) -> list[Any]:
        """The output of a command that prints lines of JSON."""
        result = self.run(*arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return [json.loads(line) for line in result.stdout.splitlines()]

    def terminal_output(self, *arguments: str, code: int | None = 0) -> str:
        """The output of a command on a terminal. Asserts its exit code, if one is given."""
        controller, terminal = pty.openpty()
        termios.tcsetwinsize(controller, (40, 150))
        environment = {**self._environment(), "TERM": "xterm"}
        process = subprocess.Popen(
            [COMMAND, *arguments], env=environment, stdin=terminal, stdout=terminal, stderr=terminal
        )
        os.close(terminal)
        output = b""
        with os.fdopen(controller, "rb", buffering=0) as screen:
            while chunk := _read(screen):
                output += chunk
        assert process.wait(30) == code or code is None, output.decode()
        assert b"Traceback" not in output, output.decode()
        return output.decode().replace("\r\n", "\n")

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], **self.flow.environment(), **self.settings}


def _read(screen: Any) -> bytes:
    try:
        return bytes(screen.read(65536))
    except OSError:  # Linux reports with it that the other side of the terminal is closed
        return b""
