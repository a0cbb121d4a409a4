"""What pages say and leave out: the same words for readers as for owners, no column without news, and no page of Django's own."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from audit.models import AuditRecord
from credentials.models import Membership, Organization
from tests import factories as make
from tests.admin.console_world import World, address

FOR_ONE = ("connection", "flow", "alerttarget", "membership", "invitation", "apitoken")


def said(client: Client, url: str, status: int = 200) -> str:
    answer = client.get(url)
    assert answer.status_code == status, url
    return answer.content.decode()


@pytest.mark.parametrize("name", FOR_ONE)
def test_lists_name_the_organization_only_to_whoever_works_for_several(world: World, name: str) -> None:
    url = address(type(world.rows[name]), "changelist")
    assert "column-organization" not in said(world.client("owner"), url)
    Membership.objects.create(user=world.people["owner"], organization=Organization.objects.get(slug="other"))
    assert "column-organization" in said(world.client("owner"), url)


def test_a_reader_finds_the_words_of_the_owners_form(world: World) -> None:
    for row, words in (("connection", ("Address", "Re-enable webhooks by itself", "switches them on again")), ("flow", ("every 300 s",))):
        page = said(world.client("viewer"), address(world.rows[row], "change", world.rows[row].pk))
        for word in words:
            assert word in page
        assert "Base url" not in page
        assert "Reenable subscriptions" not in page
        assert "Poll seconds" not in page


def test_how_many_were_found_is_said_where_something_was_looked_for(world: World) -> None:
    url = address(type(world.rows["syncjob"]), "changelist")
    assert "Show all" not in said(world.client("owner"), url)
    assert "1 result " in said(world.client("owner"), f"{url}?q=727")


def test_a_history_without_entries_leads_to_the_audit(world: World) -> None:
    job = world.rows["syncjob"]
    for person, leads in (("owner", True), ("bookkeeper", False)):
        page = said(world.client(person), address(job, "history", job.pk))
        assert "admin site" not in page
        assert "Nobody changed this by hand" in page
        assert ("is in the <a" in page) is leads


def test_an_audit_record_names_its_flow(world: World) -> None:
    record = AuditRecord.objects.get(message="A record of Mine")
    assert re.search(r'/flows/flow/\d+/change/">Orders of Mine</a>', said(world.client("owner"), address(record, "change", record.pk)))


def test_an_invitation_has_one_button(world: World) -> None:
    page = said(world.client("owner"), reverse("admin:credentials_invitation_add"))
    assert 'name="_save"' in page
    assert "_addanother" not in page
    assert "_continue" not in page


def test_an_address_that_is_not_understood_is_told_in_words(world: World) -> None:
    url = address(type(world.rows["syncjob"]), "changelist")
    page = said(world.client("owner", raise_request_exception=False), f"{url}?nonsense=1", 400)
    assert "This address asks for what is not there" in page


def test_who_is_not_logged_in_sees_no_menu(db: None) -> None:
    assert "nav-sidebar" not in said(Client(), reverse("account:join", args=["unknown"]))


def test_an_orders_number_keeps_its_letters(world: World) -> None:
    record = make.RecordFactory(flow=world.rows["flow"], source_id="728", number="WEB-728")
    assert "<h1>Order WEB-728</h1>" in said(world.client("owner"), address(record, "change", record.pk))


def test_the_password_page_keeps_the_way_out(world: World) -> None:
    page = said(world.client("owner"), reverse("admin:password_change"))
    assert 'id="logout-form"' in page
    assert reverse("account:own") in page


def test_whoever_logs_out_is_told_so(world: World) -> None:
    page = world.client("owner").post(reverse("admin:logout")).content.decode()
    assert "You are logged out of this browser." in page
    assert "quality time" not in page


def test_a_wrong_password_and_a_used_link_say_what_to_do(db: None) -> None:
    refused = Client().post(reverse("admin:login"), {"username": "nobody", "password": "wrong"}).content.decode()
    assert "Please enter the correct username and password." in refused
    assert "staff" not in refused
    assert reverse("admin_password_reset") in said(Client(), reverse("password_reset_confirm", args=["MQ", "abc-def"]))
