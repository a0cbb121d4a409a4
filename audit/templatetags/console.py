"""What templates say as the lists do: badges, and what a list is called."""

from typing import Any

from django import template
from django.contrib import admin
from django.utils.safestring import SafeString

from audit.console.showing import badge, heading_of

register = template.Library()


@register.simple_tag
def state(value: str, label: str = "") -> SafeString:
    """A state as a coloured word."""
    return badge(value, label)


@register.filter
def heading(opts: Any) -> str:
    """What the list of these rows is called."""
    return heading_of(admin.site.get_model_admin(opts.model))
