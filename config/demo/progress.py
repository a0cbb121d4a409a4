"""Says on stderr what the demo is doing and how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from tqdm import tqdm

SECONDS_BETWEEN_LINES = 3.0


def tell(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()


def count_up(what: str, whole: int) -> tuple[Callable[[int], None], Callable[[], None]]:
    """(advance_to(number), finish()): a bar on a terminal, a line every few seconds elsewhere."""
    if sys.stderr.isatty():
        bar = tqdm(total=whole, desc=what, file=sys.stderr, leave=True)

        def fill_to(number: int) -> None:
            bar.update(number - bar.n)

        return fill_to, bar.close
    last = [time.monotonic()]

    def advance_to(number: int) -> None:
        if time.monotonic() - last[0] >= SECONDS_BETWEEN_LINES:
            last[0] = time.monotonic()
            tell(f"{what}: {number} of {whole}")

    return advance_to, lambda: None
