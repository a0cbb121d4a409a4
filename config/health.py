"""Asks the web process whether it is well; the health check of its container. Standard library only, so that it is cheap.

Exit code 0 when it answers 200. The Host header is PUBLIC_URL's, because the web process refuses names that it does not know.
"""

from __future__ import annotations

import http.client
import os
import sys
from urllib.parse import urlsplit


def answers(host: str, port: int, path: str = "/healthz", *, public_url: str = "", timeout: float = 2.0) -> bool:
    """Whether GET path answers 200 there."""
    name = urlsplit(public_url).hostname or "127.0.0.1"
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.request("GET", path, headers={"Host": name})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def main(argv: list[str]) -> int:
    """python -m config.health [PATH] [PORT]"""
    path, port = (argv[1] if len(argv) > 1 else "/healthz"), int(argv[2] if len(argv) > 2 else 8000)
    return 0 if answers("127.0.0.1", port, path, public_url=os.environ.get("PUBLIC_URL", ""), timeout=5.0) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
