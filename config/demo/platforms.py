"""The miniature platforms of the demo, as `manage.py sandbox` announced them, and talking to their admin ports."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests


@dataclass(frozen=True)
class Miniature:
    """One running sandbox. connection is what provisioning needs."""

    platform: str
    label: str
    role: str
    admin_url: str
    connection: Mapping[str, Any]

    def command(self, action: str, **body: Any) -> Any:
        """Do something as a person at that platform, or look into it. Raises requests.RequestException when it is refused."""
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"{self.admin_url}/{action}", json=body, timeout=120)
            answer.raise_for_status()
            return answer.json()


def read_announcement(path: Path) -> tuple[Miniature, ...]:
    """The sandboxes by platform name."""
    announced = json.loads(path.read_text())
    return tuple(
        Miniature(name, entry["label"], entry["role"], entry["admin_url"], entry["connection"]) for name, entry in sorted(announced.items())
    )
