"""What the operating system knows of a server: its CPU time, and the bytes that it has put on the wire."""

import re
import shutil
import subprocess

import psutil


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its children."""
    root = psutil.Process(pid)
    times = [process.cpu_times() for process in (root, *root.children(recursive=True))]
    return sum(each.user + each.system for each in times)


class Wire:
    """Bytes sent by the connections of a port, as the kernel counts them: framing, headers and compression included.

    `ss` (iproute2) reads them; without it nothing is known, and `is_known` says so.
    """

    is_known = shutil.which('ss') is not None

    def __init__(self, port: int) -> None:
        self._port = port
        self._start = self._read()

    def total(self) -> int | None:
        """Bytes since the beginning, of connections that are still open."""
        if not self.is_known:
            return None
        return sum(sent - self._start.get(peer, 0) for peer, sent in self._read().items())

    def _read(self) -> dict[str, int]:
        if not self.is_known:
            return {}
        command = ['ss', '-tinH', 'state', 'established', 'sport', '=', f':{self._port}']
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return {peer: int(sent) for peer, sent in re.findall(r'(\S+:\d+)\s*\n\s+.*?\bbytes_sent:(\d+)', listed)}
