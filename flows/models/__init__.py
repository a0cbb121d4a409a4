"""The rows that survive a crash."""

from flows.models.alerting import AlertDelivery, AlertTarget
from flows.models.bulk import BulkItem, BulkRun
from flows.models.comparison import Comparison, ComparisonMail, Difference
from flows.models.flow import Flow
from flows.models.inbox import InboundEvent
from flows.models.job import SyncJob
from flows.models.lease import PeriodicLease
from flows.models.link import ExternalLink
from flows.models.mapping import FieldMapping, FieldMappingVersion, ItemMapping, ValueMapping
from flows.models.polling import Backfill, PollDay, SyncCursor
from flows.models.privacy import PrivacyCase
from flows.models.record import RecordName, SyncRecord
from flows.models.set_up import SetUp
from flows.models.subscription import Subscription

__all__ = [
    "AlertDelivery",
    "AlertTarget",
    "Backfill",
    "BulkItem",
    "BulkRun",
    "Comparison",
    "ComparisonMail",
    "Difference",
    "ExternalLink",
    "FieldMapping",
    "FieldMappingVersion",
    "Flow",
    "InboundEvent",
    "ItemMapping",
    "PeriodicLease",
    "PollDay",
    "PrivacyCase",
    "RecordName",
    "SetUp",
    "Subscription",
    "SyncCursor",
    "SyncJob",
    "SyncRecord",
    "ValueMapping",
]
