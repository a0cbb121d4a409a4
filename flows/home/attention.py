"""What needs attention, grouped by cause: how many records wait, how much money, and the page where a person mends it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Exists, F, Min, OuterRef, Subquery, Sum
from django.urls import reverse

from flows.home.sums import summed
from flows.jobs.telling import STUCK, in_words
from flows.models import Flow, SyncJob, SyncRecord, ValueMapping

AT_MOST = 20
_MENDED_BY_VALUE = frozenset(ValueMapping.Kind.values)


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause in one flow. amounts: what the records come to, per currency; mend: the label and page that cure it ("" when none)."""

    flow: Flow
    subject: str
    sentence: str
    records: int
    amounts: tuple[str, ...]
    mend_label: str
    mend_url: str
    jobs_url: str


def causes_of(flows: Sequence[Flow], subject: str = "", at_most: int | None = AT_MOST) -> tuple[list[Cause], int]:
    """The causes with the most records first, and how many more causes there are (at_most None: all of them). subject: only those that
    begin like this.
    """
    groups: dict[tuple[int, str, str], list[Mapping[str, Any]]] = {}
    for row in _groups(flows, subject):
        groups.setdefault((row["flow_id"], row["reason_code"], row["subject"]), []).append(row)
    by_id = {flow.pk: flow for flow in flows}
    causes = sorted((_cause(by_id[key[0]], rows) for key, rows in groups.items()), key=lambda cause: -cause.records)
    return causes[:at_most], 0 if at_most is None else max(0, len(causes) - at_most)


def _groups(flows: Iterable[Flow], subject: str) -> Iterable[Mapping[str, Any]]:
    """Stopped jobs by flow, cause and currency; read from the index that holds only those. What is on its way again waits for nobody."""
    same = {name: OuterRef(name) for name in ("flow", "object_type", "source_id")}
    record = SyncRecord.objects.filter(**same)
    stopped = SyncJob.objects.filter(flow__in=[flow.pk for flow in flows], state__in=STUCK, subject__startswith=subject).order_by()
    stopped = stopped.exclude(Exists(SyncJob.objects.filter(**same, state__in=[SyncJob.State.WAITING, SyncJob.State.RUNNING])))
    worth = stopped.annotate(currency=Subquery(record.values("currency")[:1]), worth=Subquery(record.values("total")[:1]))
    groups = worth.values("flow_id", "reason_code", "subject", "currency")
    return groups.annotate(records=Count("source_id", distinct=True), amount=Sum(F("worth")), sentence=Min("reason"))


def _cause(flow: Flow, rows: Sequence[Mapping[str, Any]]) -> Cause:
    first = rows[0]
    amounts = sorted((row for row in rows if row["amount"] and row["currency"]), key=lambda row: -row["amount"])
    label, url = mending(flow, first["subject"])
    query = {"flow": flow.pk, **({"reason_code": first["reason_code"]} if first["reason_code"] else {"state__exact": "attention"})}
    return Cause(
        flow,
        first["subject"],
        _sentence(first),
        sum(row["records"] for row in rows),
        tuple(str(summed(row["amount"], row["currency"])) for row in amounts),
        label,
        url,
        f"{reverse('admin:flows_syncjob_changelist')}?{urlencode(query)}",
    )


def _sentence(row: Mapping[str, Any]) -> str:
    """What is wrong for all of them; a job's own reason names one order."""
    kind, _, source = row["subject"].partition(":")
    if kind == "sku" and source:
        return f"SKU {source} has no item."
    return in_words(row["reason_code"], row["sentence"]) or row["reason_code"].replace("_", " ") or "It stopped without a reason."


def mending(flow: Flow, subject: str) -> tuple[str, str]:
    """The label and the address of the page that cures what a job waits for; two empty texts when no mapping does."""
    kind, _, source = subject.partition(":")
    if kind == "sku" and source:
        return f"Map {source}", f"{reverse('admin:flows_itemmapping_choose')}?{urlencode({'flow': flow.pk, 'sku': source})}"
    if kind in _MENDED_BY_VALUE and source:
        asked = urlencode({"flow": flow.pk, "kind": kind, "source": source})
        return f"Map {source}", f"{reverse('admin:flows_valuemapping_choose')}?{asked}"
    if kind == "field" and source:
        return "Field mappings", f"{reverse('admin:flows_fieldmapping_changelist')}?{urlencode({'flow': flow.pk})}"
    return "", ""
