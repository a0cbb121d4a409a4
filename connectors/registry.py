"""Finds the platform folders. A sixth platform is one new folder; nothing here changes."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from connectors import platforms
from connectors.kit.contract import Connector


@cache
def all_connectors() -> dict[str, Connector]:
    """Every platform folder's CONNECTOR by platform name, sorted."""
    names = sorted(module.name for module in pkgutil.iter_modules(platforms.__path__) if module.ispkg)
    return {name: importlib.import_module(f"{platforms.__name__}.{name}").CONNECTOR for name in names}


def get_connector(platform: str) -> Connector:
    """The connector of a platform; KeyError with the known names when there is none."""
    known = all_connectors()
    if platform not in known:
        raise KeyError(f"no platform {platform!r}; known: {', '.join(known)}")
    return known[platform]


def guide_to(platform: str) -> str:
    """The operator's page of a platform, its folder's README.md; "" where there is none."""
    page = guide_file(platform)
    return page.read_text(encoding="utf-8") if page.is_file() else ""


def guide_file(platform: str) -> Path:
    """Where that page lies."""
    return Path(platforms.__path__[0]) / get_connector(platform).platform / "README.md"
