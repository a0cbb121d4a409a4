"""What a connector knows of the connection that it works for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Account:
    """What a connector knows of one connection. key is the connection's id, for pooled sessions and limits.

    urls overrides single addresses of the platform by name ("api", "authorize", "token"); ids holds what probing found
    out ("account_id"); settings what the operator chose; secrets is never shown by repr.
    """

    key: str
    base_url: str
    urls: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    time_zone: str = "UTC"
    currency: str = ""
