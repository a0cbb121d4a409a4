"""Flows, jobs, records, links and the audit, to be read; and what can be asked of them: plan, retry, replay."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from audit.models import AuditRecord
from connectors.kit.errors import SyncError
from credentials.people.tokens import Scope
from flows.api.entry import Entry
from flows.api.paging import LatestFirst, NewestFirst, OldestFirst
from flows.api.planning import planned
from flows.api.problems import Conflict, OtherSide
from flows.api.questions import OfAudit, OfFlows, OfJobs, OfLinks, OfRecords, asked
from flows.api.shapes import Asked, AuditShape, AuditWholeShape, FlowShape, JobShape, LinkShape, PlanShape, RecordShape
from flows.finding import matching_jobs
from flows.jobs.telling import STUCK
from flows.models import ExternalLink, Flow, SyncJob, SyncRecord
from flows.replay import replay_job


class Readable(ListModelMixin, RetrieveModelMixin, Entry):
    """A list and its rows."""

    pagination_class: Any = NewestFirst


@extend_schema_view(list=extend_schema(parameters=[OfFlows]))
class FlowsView(Readable):
    """What is synced from where to where."""

    queryset = Flow.objects.none()
    serializer_class = FlowShape
    pagination_class = OldestFirst
    needs = {"*": (Scope.READ, "flows.view_flow"), "plan": (Scope.OPERATE, "flows.plan_flow")}

    def get_queryset(self) -> QuerySet[Flow]:
        rows = self.flows().select_related("source", "destination")
        return rows.filter(**asked(self.request, OfFlows)) if self.action == "list" else rows

    @extend_schema(request=Asked, responses={200: PlanShape})
    @action(detail=True, methods=["post"], url_path="plan", filter_backends=[], pagination_class=None)
    def plan(self, request: Request, pk: str) -> Response:
        """What a sync of one record would do. Both sides are read; nothing is written."""
        form = Asked(data=request.data)
        form.is_valid(raise_exception=True)
        try:
            return Response(PlanShape(planned(self.get_object(), form.validated_data["record"])).data)
        except SyncError as problem:
            raise OtherSide(problem.message) from None


@extend_schema_view(list=extend_schema(parameters=[OfJobs]))
class JobsView(Readable):
    """What was done or is to be done about one object of one flow."""

    queryset = SyncJob.objects.none()
    serializer_class = JobShape
    needs = {
        "*": (Scope.READ, "flows.view_syncjob"),
        "retry": (Scope.OPERATE, "flows.replay_syncjob"),
        "replay": (Scope.OPERATE, "flows.replay_syncjob"),
    }

    def get_queryset(self) -> QuerySet[SyncJob]:
        rows = SyncJob.objects.filter(flow__in=self.flow_ids())
        if self.action != "list":
            return rows.select_related("flow__organization", "flow__source", "flow__destination")
        wanted = asked(self.request, OfJobs)
        find = wanted.pop("find", "")
        rows = rows.filter(**wanted)
        return matching_jobs(rows, self.flows().order_by(), find) if find else rows

    @extend_schema(request=None, responses={202: OpenApiResponse(JobShape, description="The job that was queued.")})
    @action(detail=True, methods=["post"], pagination_class=None)
    def retry(self, request: Request, pk: str) -> Response:
        """Try a stopped job again. 409 when it is not stopped."""
        job: SyncJob = self.get_object()
        if job.state not in STUCK:
            raise Conflict(f"Job {job.pk} is not stopped: it is {job.get_state_display()}. Replay it instead.")
        return self._again(job)

    @extend_schema(request=None, responses={202: OpenApiResponse(JobShape, description="The job that was queued.")})
    @action(detail=True, methods=["post"], pagination_class=None)
    def replay(self, request: Request, pk: str) -> Response:
        """Look at the job's object again, on both sides, even when nothing seems changed."""
        return self._again(self.get_object())

    def _again(self, job: SyncJob) -> Response:
        return Response(JobShape(replay_job(job, self.signature)).data, status=202)


@extend_schema_view(list=extend_schema(parameters=[OfRecords]))
class RecordsView(Readable):
    """Where each object of a source stands."""

    queryset = SyncRecord.objects.none()
    serializer_class = RecordShape
    needs = {"*": (Scope.READ, "flows.view_syncrecord")}

    def get_queryset(self) -> QuerySet[SyncRecord]:
        rows = SyncRecord.objects.filter(flow__in=self.flow_ids())
        return rows.filter(**asked(self.request, OfRecords)) if self.action == "list" else rows


@extend_schema_view(list=extend_schema(parameters=[OfLinks]))
class LinksView(Readable):
    """What stands for what."""

    queryset = ExternalLink.objects.none()
    serializer_class = LinkShape
    needs = {"*": (Scope.READ, "flows.view_externallink")}

    def get_queryset(self) -> QuerySet[ExternalLink]:
        rows = ExternalLink.objects.filter(destination__organization_id=self.token.organization_id).select_related("source", "destination")
        return rows.filter(**asked(self.request, OfLinks)) if self.action == "list" else rows


@extend_schema_view(list=extend_schema(parameters=[OfAudit]))
class AuditView(Readable):
    """Who or what did what."""

    queryset = AuditRecord.objects.none()
    pagination_class = LatestFirst
    needs = {"*": (Scope.READ, "audit.view_auditrecord")}

    def get_serializer_class(self) -> type[AuditShape]:
        return AuditShape if self.action == "list" else AuditWholeShape

    def get_queryset(self) -> QuerySet[AuditRecord]:
        rows = AuditRecord.objects.filter(organization_id=self.token.organization_id)
        if self.action != "list":
            return rows
        wanted = asked(self.request, OfAudit)
        times = {"since": "at__gte", "until": "at__lt"}
        return rows.filter(**{times.get(name, name): value for name, value in wanted.items()}).defer("evidence", "mapping")
