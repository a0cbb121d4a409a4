"""Finding things by what people call them: an order number, or the platform's own id."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q, QuerySet

from connectors.canonical.identity import ObjectType
from credentials.models import Connection
from flows.jobs.telling import STUCK
from flows.known_by import records_known_by
from flows.models import ExternalLink, Flow, SyncJob, SyncRecord

AT_MOST = 50  # records that share one number
MATCHES_AT_MOST = 1000
_TYPES = [kind.value for kind in ObjectType]


def source_id_of(flow: Flow, text: str) -> str:
    """The source id of the record with this number; the text itself when no record is known by it."""
    term = text.strip().removeprefix("#")
    known = SyncRecord.objects.filter(flow=flow, number=term).order_by("-updated_at").values_list("source_id", flat=True)
    return known.first() or term


def matching_jobs(jobs: QuerySet[SyncJob], flows: QuerySet[Flow], text: str) -> QuerySet[SyncJob]:
    """The jobs of these flows about an object with this number or id, or the job with this number. Each look-up is a query of its own
    that has its index, and the list is then read by the jobs' numbers: one condition with "or" might walk the whole table.
    """
    term, ids = text.strip().removeprefix("#"), list(flows.values_list("pk", flat=True))
    named = SyncRecord.objects.filter(flow__in=ids, number=term).values_list("source_id", flat=True)[:AT_MOST]
    rows = SyncJob.objects.filter(flow__in=ids, object_type__in=_TYPES, source_id__in={term, *named}).order_by()
    found = set(rows.values_list("pk", flat=True)[:MATCHES_AT_MOST])
    if term.isdecimal() and len(term) < 19:
        found.add(int(term))
    return jobs.filter(pk__in=found)


def matching_links(links: QuerySet[ExternalLink], connections: QuerySet[Connection], text: str) -> QuerySet[ExternalLink]:
    """The links of these connections with this key at the source or this id at the destination; looked up like jobs."""
    term, keys = text.strip(), dict(connections.values_list("pk", "key"))
    into = ExternalLink.objects.filter(destination__in=list(keys)).order_by()
    there = into.filter(object_type__in=_TYPES, remote_id=term).values_list("pk", flat=True)
    here = into.filter(scope__in=["", *map(str, keys.values())], key=term).values_list("pk", flat=True)
    return links.filter(pk__in={*there[:MATCHES_AT_MOST], *here[:MATCHES_AT_MOST]})


@dataclass(frozen=True, slots=True)
class Found:
    """What goes by a name or number: records, links that stand for no record (clients, items), and jobs that wait for a mapping."""

    records: tuple[SyncRecord, ...] = ()
    links: tuple[ExternalLink, ...] = ()
    waiting: tuple[SyncJob, ...] = ()


def find_everywhere(flows: Sequence[Flow], text: str) -> Found:
    """By order number, invoice number, e-mail, SKU, or the id of either side. Every look-up has its index."""
    term = text.strip().removeprefix("#")
    if not term or not flows:
        return Found()
    links = _links(flows, term)
    own = [link for link in links if link.scope]
    known = Q(pk__in=records_known_by(flows, _names(term, links), AT_MOST))
    records = SyncRecord.objects.filter(known | _named(flows, term) | _behind(flows, own)).select_related(
        "flow__source", "flow__destination"
    )
    waiting = SyncJob.objects.filter(flow__in=flows, state__in=STUCK, subject=f"sku:{term}").select_related("flow").order_by("-id")
    shared = tuple(link for link in links if not link.scope)
    return Found(tuple(records.order_by("-id")[:AT_MOST]), shared, tuple(waiting[:AT_MOST]))


def _names(term: str, links: Iterable[ExternalLink]) -> set[str]:
    """What was typed, and what the clients and items that go by it are known by."""
    shared = (link.key.partition(":") for link in links if not link.scope)
    return {term, *(name for kind, _, name in shared if kind in ("email", "sku"))}


def _named(flows: Sequence[Flow], term: str) -> Q:
    """Records with this number or id, and orders whose invoice has this number, which may begin with the flow's prefix."""
    found = Q(flow__in=flows, number=term) | Q(flow__in=flows, object_type__in=_TYPES, source_id=term)
    for flow in flows:
        prefix = str(flow.options.get("invoice_prefix") or "")
        if prefix and term.startswith(prefix):
            found |= Q(flow=flow, number=term.removeprefix(prefix))
    return found


def _links(flows: Sequence[Flow], term: str) -> list[ExternalLink]:
    destinations = {flow.destination_id for flow in flows}
    by_name = Q(scope="", key__in=[f"email:{term.lower()}", f"sku:{term}"])
    by_id = Q(object_type__in=_TYPES, remote_id=term)
    rows = ExternalLink.objects.filter(by_name | by_id, destination__in=destinations).select_related("destination")
    return list(rows.order_by("-id")[:AT_MOST])


def _behind(flows: Sequence[Flow], links: Iterable[ExternalLink]) -> Q:
    """The records that these links belong to: a link's key is the record's source id, or begins with it."""
    found = Q(pk__in=())
    for link in links:
        ids = [flow.pk for flow in flows if str(flow.source.key) == link.scope and flow.destination_id == link.destination_id]
        found |= Q(flow__in=ids, object_type__in=_TYPES, source_id=link.key.partition(":")[0])
    return found
