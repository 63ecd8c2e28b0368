"""A receiver of digests on this machine: takes, takes slowly, or answers 500, as the path says; writes down each id.

    python experiments/robustness/receiver.py LOG

Prints its port. `POST /CASE/MODE`, MODE of ok, slow, 500; a line of LOG per message: case, id, whether it was taken.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SLOW = 1.0  # seconds; less than the sender waits
WRITING = threading.Lock()


class Receiver(BaseHTTPRequestHandler):
    """One message."""

    log: Path

    def do_POST(self) -> None:
        """Writes down what came, then answers; who is killed meanwhile has sent it all the same."""
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        _, case, mode = self.path.split("/")
        told = {"case": case, "id": self.headers.get("X-Powerml-Digest"), "taken": mode != "500", "body": body.decode()}
        with WRITING, self.log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(told) + "\n")
        time.sleep(SLOW if mode == "slow" else 0)
        try:
            self.send_response(500 if mode == "500" else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()
        except OSError:  # the sender was killed
            pass

    def log_message(self, *_given: object) -> None:
        """Says nothing."""


if __name__ == "__main__":
    Receiver.log = Path(sys.argv[1])
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    print(server.server_port, flush=True)
    server.serve_forever()
