"""What may be asked of a list by its address: what its filters ask, and nothing that would tell a secret letter by letter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.db.models import ForeignObjectRel, Model
from django.http import HttpRequest
from django.test import RequestFactory
from django.urls import reverse

from audit.redaction import _NAME
from credentials.fields import EncryptedTextField
from tests.admin.console_world import World, address, pages

DEPTH = 3
TELLING = ("digest", "key", "password", "email", "username", "body", "headers", "evidence", "session_key")


def is_secret(name: str, field: Any) -> bool:
    return isinstance(field, EncryptedTextField) or bool(_NAME.match(name)) or name.endswith("digest") or name in TELLING


def ways_to_secrets(model: type[Model], depth: int = DEPTH, path: str = "") -> Iterator[str]:
    """Every lookup from this model over at most so many steps that ends at something worth guessing."""
    for field in model._meta.get_fields():
        name = field.name
        if field.is_relation:
            if depth > 1 and field.related_model and not (isinstance(field, ForeignObjectRel) and field.hidden):
                yield from ways_to_secrets(field.related_model, depth - 1, f"{path}{name}__")
        elif is_secret(name, field):
            yield f"{path}{name}"


def asking(world: World) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = world.people["root"]
    return request


def test_no_list_answers_a_question_about_a_secret(world: World) -> None:
    request, asked = asking(world), 0
    for name, page in pages().items():
        for way in ways_to_secrets(page.model):
            for ending in ("", "__startswith", "__icontains", "__exact", "__regex", "__gt", "__isnull"):
                asked += 1
                assert not page.lookup_allowed(f"{way}{ending}", "x", request), f"{name}?{way}{ending}="
    assert asked > 1000


def test_no_list_leads_into_another_organization(world: World) -> None:
    """Every relation away, but for the row itself that a filter chooses by its number (among what one sees)."""
    request = asking(world)
    for name, page in pages().items():
        for field in page.model._meta.get_fields():
            for end in ("label__startswith", "name__startswith", "slug__exact", "organization__name__startswith", "username__startswith"):
                if field.is_relation:
                    assert not page.lookup_allowed(f"{field.name}__{end}", "x", request), f"{name}?{field.name}__{end}="


@pytest.mark.parametrize(
    ("row", "question"),
    [
        ("apitoken", "digest__startswith=0"),
        ("invitation", "digest__startswith=0"),
        ("connection", "inbox_token__startswith=a"),
        ("connection", "secrets__value__startswith=gAAAA"),
        ("subscription", "secret__startswith=g"),
        ("subscription", "connection__secrets__value__startswith=g"),
        ("alerttarget", "address__startswith=g"),
        ("user", "password__startswith=md5"),
        ("user", "sign_ins__session_key__startswith=a"),
        ("syncjob", "flow__organization__name__startswith=Other"),
        ("membership", "user__password__startswith=md5"),
        ("auditrecord", "evidence__icontains=x"),
        ("inboundevent", "body__contains=x"),
    ],
)
def test_such_an_address_is_refused(world: World, row: str, question: str) -> None:
    answer = world.client("root").get(f"{address(world.rows[row], 'changelist')}?{question}")
    assert answer.status_code == 400


def test_what_the_filters_and_our_own_links_ask_is_answered(world: World) -> None:
    request, flow, client = asking(world), world.rows["flow"].pk, world.client("root")
    for name, page in pages().items():
        listed = client.get(address(world.rows[name], "changelist")).context["cl"]
        for spec in listed.filter_specs:
            for parameter in filter(None, spec.expected_parameters()):
                assert page.lookup_allowed(parameter, "1", request), f"{name}?{parameter}="
    for link in (
        f"{reverse('admin:flows_syncjob_changelist')}?flow={flow}&reason_code=sku_unmapped",
        f"{reverse('admin:flows_syncjob_changelist')}?state__exact=attention",
        f"{reverse('admin:flows_syncrecord_changelist')}?flow={flow}&exact__exact=0",
        f"{reverse('admin:flows_fieldmapping_changelist')}?flow={flow}",
        f"{reverse('admin:audit_auditrecord_changelist')}?person=owner&outcome=done&since=2026-01-01",
    ):
        assert client.get(link).status_code == 200, link


def test_every_page_of_a_list_has_the_rule() -> None:
    assert {type(page).lookup_allowed.__qualname__ for page in admin.site._registry.values()} == {"ConsoleAdmin.lookup_allowed"}
