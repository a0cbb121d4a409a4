"""Badges in templates, as the lists show them."""

from django import template
from django.utils.safestring import SafeString

from audit.console.showing import badge

register = template.Library()


@register.simple_tag
def state(value: str, label: str = "") -> SafeString:
    """A state as a coloured word."""
    return badge(value, label)
