"""What stands in the books for a record, from our own rows: for people who decide to leave the record alone."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from audit.models import AuditRecord
from connectors.canonical.identity import ObjectType
from flows.models import ExternalLink, SyncJob, SyncRecord

INVOICE, PAYMENT = ObjectType.INVOICE.value, ObjectType.PAYMENT.value


def posted_for(record: SyncRecord) -> str:
    """ "invoice 1001 over 20.23 CAD, with 1 payment", as its last write was answered; "" where nothing stands."""
    link = _own(record).filter(object_type=INVOICE, key=record.source_id).first()
    if link is None:
        return ""
    payments = _own(record).filter(object_type=PAYMENT).count()
    paid = f", with {payments} payment{'s' if payments != 1 else ''}" if payments else ""
    return f"invoice {_told(record, link) or f'with the id {link.remote_id}'}{paid}"


def _own(record: SyncRecord) -> QuerySet[ExternalLink]:
    flow, key = record.flow, record.source_id
    mine = ExternalLink.objects.filter(destination=flow.destination_id, scope=str(flow.source.key))
    return mine.filter(Q(key=key) | Q(key__startswith=f"{key}:"), state=ExternalLink.State.CONFIRMED, void=False)


def _told(record: SyncRecord, link: ExternalLink) -> str:
    """The number and the amount as they were last answered; "" of what was written before these were kept, or is blanked by now."""
    jobs = SyncJob.objects.filter(flow=record.flow_id, object_type=record.object_type, source_id=record.source_id)
    rows = AuditRecord.objects.filter(job_id__in=jobs.values("pk"), object_type=INVOICE, target_id=link.remote_id)
    for evidence in rows.order_by("-id").values_list("evidence", flat=True):
        stands = evidence.get("stands") if isinstance(evidence, dict) else None
        if isinstance(stands, dict):
            return f"{stands.get('number')} over {stands.get('amount')}"
    return ""
