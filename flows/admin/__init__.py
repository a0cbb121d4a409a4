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
    mapping,
    polling,
    privacy,
    record,
    schedule,
    subscription,
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
    "mapping",
    "polling",
    "privacy",
    "record",
    "schedule",
    "subscription",
]
