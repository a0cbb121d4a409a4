"""Takes a person's data, or all of a connection, out of what we keep. The books themselves stay: the law wants them kept."""

from __future__ import annotations

import hashlib

from django.db import transaction

from audit.digests import ERASED
from audit.services import Request, erase, seal
from connectors.canonical.identity import ObjectType
from flows.alerting.delivering import forget_contents
from flows.models import BulkItem, Difference, ExternalLink, InboundEvent, PrivacyCase, SyncRecord
from flows.privacy.holdings import Holdings, holdings
from flows.recipes import RECIPES

KEPT = ("tie_out",)  # the proof of amounts names nobody
PEOPLE = (ObjectType.CUSTOMER.value,)
GONE = "redacted:"
ROUNDS = 3


def redact(case: PrivacyCase) -> str:
    """Do it, and say what was done. Everything may be done twice: a crash half-way is no harm."""
    held = holdings(case)
    records, left = _erase(case, held)
    events, rows = _blank(held)
    told = f" {left} audit records could not be redacted: they do not agree with their seal, or have none yet." if left else ""
    return f"Redacted: {events} events, {records} audit records, {rows} other rows. Invoices and clients in the books stay.{told}"


def _erase(case: PrivacyCase, held: Holdings) -> tuple[int, int]:
    """How many audit records were redacted, and how many could not be. Workers may add some meanwhile, which have no seal yet."""
    request, records, left = Request("worker", case.reference or f"privacy request {case.pk}", KEPT, PEOPLE), 0, 0
    for _ in range(ROUNDS):
        while seal():
            pass
        erased = erase(list(held.audit.all().values_list("pk", flat=True)), request)
        records, left = records + erased.records, erased.left
        if not left:
            break
    return records, left


@transaction.atomic
def _blank(held: Holdings) -> tuple[int, int]:
    told = forget_contents(held.alerts)
    alerts = held.alerts.exclude(message=ERASED).update(message=ERASED)  # first: they are found by the reasons of jobs
    people = held.records.filter(object_type__in=PEOPLE).exclude(number="").update(number="")
    names, _ = held.names.delete()
    items = held.items.exclude(note=ERASED).exclude(note="", changes=[]).values_list("pk", flat=True)
    shown = BulkItem.objects.filter(pk__in=list(items)).update(note=ERASED, changes=[])
    shown += _blank_questions(held)
    decided = held.records.exclude(hold_reason__in=["", ERASED]).values_list("pk", flat=True)
    SyncRecord.objects.filter(pk__in=list(decided)).update(hold_reason=ERASED)
    records = held.records.exclude(reason__in=["", ERASED]).update(reason=ERASED)
    links = sum(_renamed(link) for link in held.links)
    jobs = list(held.jobs.exclude(reason__in=["", ERASED]).values_list("pk", flat=True))
    held.jobs.filter(subject__contains="@").update(subject="")
    held.jobs.model.objects.filter(pk__in=jobs).update(reason=ERASED)
    events = InboundEvent.objects.filter(pk__in=held.events).exclude(body=b"").update(body=b"", note=ERASED)
    return events, told + alerts + people + names + shown + records + links + len(jobs)


def _blank_questions(held: Holdings) -> int:
    """What comparisons found, and what people searched for when they asked for many records at once."""
    people = [name for name, recipe in RECIPES.items() if recipe.source.value in PEOPLE]
    ids = list(held.differences.exclude(sentence=ERASED).values_list("pk", flat=True))
    found = Difference.objects.filter(pk__in=ids)
    found.filter(comparison__flow__recipe__in=people).update(number="")
    return found.update(sentence=ERASED) + held.runs.exclude(about__in=["", ERASED]).update(about=ERASED)


def _renamed(link: ExternalLink) -> int:
    """A digest in place of the address: the link still stands for what it made, and nobody can be read from it."""
    key = f"{GONE}{hashlib.sha256(f'{link.pk}:{link.key}'.encode()).hexdigest()}"
    return ExternalLink.objects.filter(pk=link.pk).update(key=key)
