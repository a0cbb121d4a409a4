"""What of a notice the database can take: ids that can be ids, texts without control characters, all of bounded length."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from connectors.canonical.identity import Notice
from connectors.kit.contract import Event

LONGEST_ID, LONGEST_VERSION, LONGEST_TOPIC, LONGEST_KEY, LONGEST_PROBLEM = 100, 40, 80, 200, 300
# PostgreSQL takes neither NUL nor halves of surrogate pairs, in text or in JSON; JSON on the wire may name both.
_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def storable(text: str, limit: int) -> str:
    """The text without what a database refuses, cut to the limit."""
    return _UNSTORABLE.sub("", text[: 2 * limit])[:limit]


def usable(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    """The notices whose ids can be ids; their other texts made storable."""
    return tuple(
        replace(notice, topic=storable(notice.topic, LONGEST_TOPIC), version=storable(notice.version, LONGEST_VERSION))
        for notice in notices
        if notice.source_id and storable(notice.source_id, LONGEST_ID) == notice.source_id
    )


def tidy(event: Event) -> Event:
    """The event as it can be stored. One that leads to nothing usable says so: it is kept as evidence only."""
    notices, problem = usable(event.notices), event.problem
    if len(notices) < len(event.notices):
        problem = problem or "The platform sent an event about something whose id cannot be an id."
    return Event(
        dedupe_key=storable(event.dedupe_key, LONGEST_KEY),
        topic=storable(event.topic, LONGEST_TOPIC),
        notices=notices,
        problem=storable(problem, LONGEST_PROBLEM),
        echo=event.echo,
        ends=storable(event.ends, LONGEST_PROBLEM),
        at=event.at,
        privacy=event.privacy,
    )
