"""The rate limit of the FreshBooks sandbox: a bucket per sandbox, 429 beyond it, with or without Retry-After."""

from __future__ import annotations

import time
from collections.abc import Callable

from connectors.kit.sandbox import Answer
from connectors.platforms.freshbooks.sandbox.state import World


class RateGate:
    """Lets per_second calls through, burst (default: one second's worth) at once. The switch is read on each call."""

    def __init__(self, world: World, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.world, self.monotonic = world, monotonic
        self._tokens, self._seen = 0.0, float("-inf")

    def refusal(self) -> Answer | None:
        """The 429 of this call, None when it may pass."""
        limit = self.world.switches.rate_limit
        rate = float(limit.get("per_second") or 0)
        if not rate:
            return None
        now = self.monotonic()
        burst = max(float(limit.get("burst") or rate), 1.0)
        self._tokens = min(burst, self._tokens + (now - self._seen) * rate)
        self._seen = now
        if self._tokens >= 1:
            self._tokens -= 1
            return None
        headers = {"Retry-After": str(limit["retry_after"])} if limit.get("retry_after") else {}
        return Answer.of({"error": "rate_limited", "error_description": "Too many requests."}, 429, headers)

    def limited(self, handler: Callable[..., Answer]) -> Callable[..., Answer]:
        """The handler behind the gate."""

        def answer(*arguments: object, **found: str) -> Answer:
            return self.refusal() or handler(*arguments, **found)

        return answer
