"""Small pieces of pages: state badges, times, safe JSON, links to other pages and to other systems."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

LONGEST = 200_000  # characters of one raw text on a page

# What a state means for the person who looks at it; the theme gives each meaning a colour.
_TONES = {
    "good": ("done", "active", "confirmed", "expanded", "adopted", "stored", "on", "exact", "closed"),
    "busy": ("running", "waiting", "received", "intended", "wanted", "unverified", "new"),
    "warn": ("attention", "paused", "warning", "reauthorise", "ended", "held", "disabled", "open", "expired"),
    "bad": ("dead", "rejected", "failed", "missing", "error", "differs"),
}
_TONE = {state: tone for tone, states in _TONES.items() for state in states}


def heading_of(page: Any) -> str:
    """What a page's list is called, for every page of the admin."""
    return getattr(page, "heading", "") or str(capfirst(page.opts.verbose_name_plural))


def badge(state: str, label: str = "") -> SafeString:
    """The state as a coloured word; unknown states are quiet."""
    return format_html('<span class="badge badge-{}">{}</span>', _TONE.get(state, "quiet"), label or state)


def moment(at: datetime | None) -> SafeString | str:
    """A time to the second, in UTC, as a person reads it; the machine-readable form rides along."""
    if at is None:
        return "-"
    told = at.astimezone(timezone.get_default_timezone())
    day, time = told.strftime("%Y-%m-%d %H:%M:%S").split()
    return format_html('<time datetime="{}"><span>{}</span> <span>{}</span></time>', at.isoformat(), day, time)


def pretty_json(value: Any) -> SafeString:
    """Any JSON value as indented text."""
    return raw_text(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def raw_text(text: str) -> SafeString:
    """Text as it came, escaped and cut to a length that a browser bears."""
    shown = text if len(text) <= LONGEST else f"{text[:LONGEST]}\n... ({len(text)} characters)"
    return format_html('<pre class="raw" tabindex="0">{}</pre>', shown)


def outside(url: str, label: str) -> SafeString | str:
    """A link to another system, the bare label where there is no page. Only web addresses become links."""
    if not url.startswith(("https://", "http://")):
        return label
    return format_html('<a class="outside" href="{}" target="_blank" rel="noopener noreferrer">{}</a>', url, label)


def inside(page: str, pk: object, label: str) -> SafeString | str:
    """A link to the page of a row ("flows_syncjob")."""
    if not pk:
        return label or "-"
    try:
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{page}_change", args=[pk]), label)
    except NoReverseMatch:
        return label
