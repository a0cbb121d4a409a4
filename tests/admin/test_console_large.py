"""Every page of the console on 100,000 jobs, 1,000,000 audit records and 50,000 mappings: few queries, and none that walks a large table.

The pages are found by walking the console's own registry and addresses, so that a new one is looked at by itself.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from tests.admin.console_world import SEES, World, build, pages
from tests.admin.large_tables import LARGE, empty, fill

pytestmark = pytest.mark.slow
MOST = 30
PEOPLE = ("owner", "neighbour", "root")
CHOICES = 6  # of each filter
TERMS = ("100700", "no such thing", "S-70", "1001")
BLOCKING = ("Sort", "Incremental Sort", "Hash", "Aggregate", "Materialize", "Memoize", "Hash Join", "Merge Join", "WindowAgg", "Unique")
TABLES = {model._meta.db_table for model in LARGE}
AUDIT = "admin:audit_auditrecord_changelist"
EXTRA = {
    AUDIT: (
        *("person=owner", "person=nobody", "outcome=failed", "connection={connection}"),
        *("since=2020-01-01&until=2020-02-01", "person=bookkeeper&q=100700"),
    ),
    "admin:index": ("days=7", "days=90", "days=365"),
    "admin:find": tuple(f"q={term}" for term in TERMS),
}


@dataclass
class Seen:
    """One page for one person. problems: what was wrong with it, in words."""

    queries: int
    seconds: float
    problems: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def large(django_db_setup: None, django_db_blocker: Any) -> Iterator[tuple[World, dict[tuple[str, str], int]]]:
    """The filled world, and how many queries each list took while it was small."""
    if connection.vendor != "postgresql":
        pytest.skip("plans of large tables are looked at on PostgreSQL only, and none answers here")
    with django_db_blocker.unblock():
        empty()
        try:
            world = build()
            asking = [(who, url) for who in PEOPLE for url in lists(world, who)]
            few = {(who, url): look(world.client(who), url, plans=False).queries for who, url in asking * 2}  # content types are remembered
            fill(world)
            yield world, few
        finally:
            empty()


def lists(world: World, who: str) -> list[str]:
    """The first page and every list that the person may see."""
    may = "owner" if who == "neighbour" else who
    seen = [page for name, page in pages().items() if may in SEES[name] and name in world.rows]
    return [reverse("admin:index"), *(reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist") for page in seen)]


def look(client: Client, url: str, *, plans: bool = True) -> Seen:
    """Get the page, and the plan of each query about a large table."""
    started = time.monotonic()
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(url)
    seen = Seen(len(captured), time.monotonic() - started)
    if answer.status_code not in (200, 302, 403, 404, 405):
        seen.problems.append(f"it answered {answer.status_code}")
    if len(captured) > MOST:
        seen.problems.append(f"{len(captured)} queries")
    for query in {entry["sql"] for entry in captured.captured_queries} if plans else ():
        if query.startswith("SELECT") and any(f'"{table}"' in query or f" {table} " in query for table in TABLES):
            seen.problems += [f"{why}: {query[:1500]}" for why in walks(query)]
    return seen


def walks(query: str) -> list[str]:
    """The large tables that this query reads from the beginning to the end."""
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + query)
        found = cursor.fetchone()[0]
    plan = json.loads(found) if isinstance(found, str) else found
    return [f"walks {table}" for table in _scans(plan[0]["Plan"], None)]


def _scans(node: dict[str, Any], limit: float | None) -> Iterator[str]:
    """limit: what it costs to read as many rows as are wanted, where nothing in between wants all of them. A walk that is expected to stop
    long before its end is none.
    """
    kind = node["Node Type"]
    if kind == "Seq Scan" and node["Relation Name"] in TABLES and not (limit is not None and limit < node["Total Cost"] / 2):
        yield node["Relation Name"]
    below = node["Total Cost"] if kind == "Limit" else None if kind in BLOCKING else limit
    for child in node.get("Plans", ()):
        yield from _scans(child, None if child.get("Parent Relationship") in ("SubPlan", "InitPlan") else below)


def told(found: dict[str, Seen]) -> str:
    """All of it, for the assertion; also printed, since that is cut short."""
    found = {url: seen for url, seen in found.items() if seen.problems}
    return "\n".join(f"{url}\n    {problem}" for url, seen in found.items() for problem in seen.problems)


@pytest.mark.django_db
@pytest.mark.parametrize("who", PEOPLE)
def test_lists_with_each_filter_and_search(large: tuple[World, dict[tuple[str, str], int]], who: str) -> None:
    world, few = large
    client, found = world.client(who), {}
    for url in lists(world, who):
        found[url] = look(client, url)
        if found[url].queries != few[who, url]:
            found[url].problems.append(f"{few[who, url]} queries with few rows, {found[url].queries} with many")
        for query in asked(client, url, world):
            found[f"{url}{query}"] = look(client, f"{url}{query}")
    slowest = sorted(found.items(), key=lambda item: -item[1].seconds)[:5]
    print("\n".join(f"{seen.seconds:.2f} s {seen.queries} queries {url}" for url, seen in slowest))  # noqa: T201 - shown with -s
    assert told(found) == ""


def asked(client: Client, url: str, world: World) -> list[str]:
    """What a person may ask of this list: each filter's choices, searches, the last pages, and what stands in EXTRA."""
    context = client.get(url).context
    changes = context.get("cl") if context else None
    names = [name for name in EXTRA if reverse(name) == url]
    more = [f"?{query.format(connection=world.rows['connection'].pk)}" for name in names for query in EXTRA[name]]
    if changes is None:
        return more
    for spec in changes.filter_specs:
        more += [choice["query_string"] for choice in list(spec.choices(changes))[1 : CHOICES + 1]]
    more += [f"?q={term}" for term in TERMS] if changes.search_fields else []
    last = changes.paginator.num_pages
    return [*more, *([f"?p={last}"] if last > 1 else [])]


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["owner", "root"])
def test_search_and_every_other_page(large: tuple[World, dict[tuple[str, str], int]], who: str) -> None:
    """Pages of one row, and pages beside the lists, whoever added them."""
    world, _ = large
    client, found = world.client(who), {}
    urls = [f"{reverse('admin:find')}?{query}" for query in EXTRA["admin:find"]]
    for name, page in pages().items():
        if who in SEES[name] and name in world.rows:
            urls += list(_others(page, world))
    for url in urls:
        found[url] = look(client, url)
    assert told(found) == ""


def _others(page: Any, world: World) -> Iterator[str]:
    """The addresses of a model's page that need nothing or the row's number."""
    options = page.opts
    row = world.rows[options.model_name]
    for pattern in page.get_urls():
        name = getattr(pattern, "name", None)
        if not name or re.search(r"_(changelist|autocomplete|delete)$", name):
            continue
        for arguments in ((), (row.pk,)):
            try:
                yield reverse(f"admin:{name}", args=arguments)
            except NoReverseMatch:
                continue
    assert admin.site.is_registered(type(row))
