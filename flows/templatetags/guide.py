"""The way from a page of the console to the page of the guide about it."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flows.guide import guide_about

register = template.Library()


@register.simple_tag(takes_context=True)
def guide_link(context: Any) -> SafeString:
    """A small link, or nothing where the guide has no page about this one."""
    request = context.get("request")
    match = getattr(request, "resolver_match", None)
    found = guide_about(match.view_name) if match is not None and context.get("has_permission") else None
    if found is None:
        return SafeString()
    page, url = found
    return format_html('<nav aria-label="Guide"><a href="{}">Guide<span class="visually-hidden">: {}</span></a></nav>', url, page.title)
