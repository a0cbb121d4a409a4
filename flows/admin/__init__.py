"""Flows and all that they do, in the console."""

from flows.admin import (
    alerts,
    audit,
    comparison,
    connection,
    field_mapping,
    flow,
    inbox,
    item_mapping,
    job,
    link,
    polling,
    privacy,
    record,
    schedule,
    subscription,
    value_mapping,
)

__all__ = [
    "alerts",
    "audit",
    "comparison",
    "connection",
    "field_mapping",
    "flow",
    "inbox",
    "item_mapping",
    "job",
    "link",
    "polling",
    "privacy",
    "record",
    "schedule",
    "subscription",
    "value_mapping",
]
