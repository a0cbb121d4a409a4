"""What the commands share: naming a flow, reading a time, failing with a sentence."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import CommandError
from tqdm import tqdm

from flows.models import Flow


def fail(sentence: str) -> CommandError:
    return CommandError(sentence)


def flow_named(name: str) -> Flow:
    """A flow by number or label; the sentence of the error lists what there is."""
    flows = Flow.objects.select_related("source", "destination", "organization")
    matching = list(flows.filter(pk=int(name)) if name.isdigit() else flows.filter(label=name))
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise fail(f"Several organizations have a flow {name!r}; use its number: " + ", ".join(str(f.pk) for f in matching))
    known = ", ".join(f"{f.pk} {f.label!r}" for f in flows[:20]) or "none yet"
    raise fail(f"There is no flow {name!r}. Known flows: {known}.")


def moment(text: str) -> datetime:
    """A date or time of the command line as aware UTC (2026-11-01 or 2026-11-01T10:00); what is none is an error of usage."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date; write 2026-11-01 or 2026-11-01T10:00.") from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def tick(bar: tqdm[Any], steps: int = 1) -> None:
    """Move a progress bar."""
    bar.update(steps)
