"""Fixed keys that open nothing but sandboxes."""

from __future__ import annotations

import hashlib


def _development(name: str) -> str:
    return hashlib.sha256(f"tillbridge bigcommerce sandbox {name}".encode()).hexdigest()[:31]


ACCESS_TOKEN, CLIENT_ID, CLIENT_SECRET = _development("token"), _development("client"), _development("secret") + "0badcafe"
