"""Load on a server by `wrk`, which takes less of the cores than any client in Python."""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from enricher.errors import SourceError

CLIENTS, SECONDS = 16, 10.0
SCRIPT = """
local asks, next = {}, 0
for line in io.lines(%s) do
  local route, body = line:match("^(%%S+) (.*)$")
  asks[#asks + 1] = {route, body}
end
request = function()
  next = next %% #asks + 1
  return wrk.format("POST", asks[next][1], {["Content-Type"] = "application/json"}, asks[next][2])
end
done = function(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format("\\n%%d %%d %%d\\n", summary.requests, summary.duration, lost))
end
"""


class Ask(NamedTuple):
    """A request: where to, and its JSON."""

    route: str
    body: bytes


class Answered(NamedTuple):
    """How many requests were answered, and in how many seconds."""

    requests: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second."""
        return self.requests / self.seconds


def under_load(port: int, asks: Sequence[Ask], seconds: float = SECONDS) -> Answered:
    """Let CLIENTS clients send the requests in turn, over and over.

    Raises SourceError if wrk is not installed, and RuntimeError if a request fails.
    """
    program = shutil.which("wrk")
    if program is None:
        raise SourceError("This measurement needs wrk, which is a package of most systems.")
    with tempfile.TemporaryDirectory() as folder:
        lines, script = Path(folder) / "requests", Path(folder) / "load.lua"
        lines.write_bytes(b"\n".join(one.route.encode() + b" " + one.body for one in asks))
        script.write_text(SCRIPT % f'"{lines}"', encoding="utf-8")
        options = ["-t1", f"-c{CLIENTS}", f"-d{seconds:.0f}s", "--timeout", "60s", "-s", str(script)]
        command = [program, *options, f"http://127.0.0.1:{port}"]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    answered, microseconds, lost = map(int, printed.split()[-3:])
    if lost:
        raise RuntimeError(f"{lost} of {answered} requests failed.")
    return Answered(answered, microseconds / 1e6)
