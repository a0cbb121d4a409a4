"""What a check of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One sentence about one subject; not ok means that somebody has to do something, and the sentence says what."""

    subject: str
    ok: bool
    message: str


def well(message: str, subject: str = "") -> Finding:
    return Finding(subject, True, message)


def ill(message: str, subject: str = "") -> Finding:
    return Finding(subject, False, message)
