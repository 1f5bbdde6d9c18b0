"""Runs a command that ends with whoever started it, however that one ends: its end closes our standard input.

`python tether.py COMMAND ...` with a pipe as standard input. The command's whole group of processes is
ended, which a killed parent could no longer do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress

GRACE_S = 10.0  # between the request to end and the end


def main(command: list[str]) -> int:
    """The command's exit status."""
    running = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    threading.Thread(target=end_with_input, args=(running,), daemon=True).start()
    status = running.wait()
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGKILL)  # what the command has started and left behind
    return status


def end_with_input(running: subprocess.Popen[bytes]) -> None:
    while os.read(0, 1024):
        pass
    with suppress(ProcessLookupError):
        os.killpg(running.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            running.wait(GRACE_S)
        os.killpg(running.pid, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main(sys.argv[1:]))
