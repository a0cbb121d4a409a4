"""Testing both sides with real calls: each permission by its name, and what to click at the platform where one is missing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from connectors.kit.contract import Probe
from credentials.access import may_manage
from credentials.accounts import connector_of
from credentials.models import Connection
from credentials.services import probe_connection
from flows.admin.setting_up.path import address, again, go_on, owners_of, show
from flows.models import SetUp
from flows.setting_up.steps import SIDES, TEST


def test(request: HttpRequest, row: SetUp) -> HttpResponse:
    """POST tests (do=test) or goes on; the findings are kept, so that whoever goes on sees them."""
    connections = {name: getattr(row, name) for name in SIDES}
    ready = all(connection.status == Connection.Status.ACTIVE for connection in connections.values())
    if request.method == "POST" and request.POST.get("do") == "test":
        for name, connection in connections.items():
            if may_manage(request.user, connection):
                row.tests[name] = _kept(probe_connection(connection, actor=request.user.get_username()))
        row.save()
        return again(row, TEST)
    if request.method == "POST" and ready:
        return go_on(request, row, TEST)
    may = any(may_manage(request.user, connection) for connection in connections.values())
    context = {
        "sides": [_shown(row, name, connection) for name, connection in connections.items()],
        "ready": ready,
        "tested": all(name in row.tests for name in SIDES),
        "may_test": may,
        "owners": "" if may else owners_of(row.organization),
    }
    return show(request, row, TEST, context)


def _kept(probe: Probe) -> dict[str, Any]:
    return {
        "at": timezone.now().isoformat(),
        "permissions": [[one.name, one.granted, one.mend] for one in probe.permissions],
        "problems": [problem for problem in probe.problems if problem not in {one.mend for one in probe.permissions}],
        "facts": dict(probe.facts),
    }


def _shown(row: SetUp, name: str, connection: Connection) -> dict[str, Any]:
    found = row.tests.get(name, {})
    return {
        "connection": connection,
        "platform": connector_of(connection).label,
        "permissions": [{"name": what, "granted": granted, "mend": mend} for what, granted, mend in found.get("permissions", ())],
        "problems": found.get("problems", []),
        "facts": [(fact, value) for fact, value in found.get("facts", {}).items() if value],
        "tested": bool(found),
        "keys": address(row, name),
    }
