"""The store's call quota as every answer tells it: all apps and all our workers share it."""

from __future__ import annotations

from connectors.kit.http import Response

RESERVE = 12  # calls left alone: as many of ours may be under way, and other apps call too
LONGEST_REST = 60.0  # seconds; the window is 30
_HEADERS = ("x-rate-limit-requests-left", "x-rate-limit-requests-quota", "x-rate-limit-time-reset-ms", "x-retry-after")


def rest_after(response: Response) -> float | None:
    """Seconds for which nobody should call after this answer; None where it does not say (stores without limits send no headers,
    nor does a platform that is overloaded: then we back off on our own clock).
    """
    left, quota, reset, retry = (_whole(response.headers.get(name, "")) for name in _HEADERS)
    if response.status == 429 and retry:
        return min(float(retry), LONGEST_REST)
    if reset is None or left is None:
        return None
    reserve = min(RESERVE, (quota or 0) // 10)
    spent = response.status == 429 or left <= reserve
    return min(reset / 1000, LONGEST_REST) if spent else 0.0


def _whole(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
