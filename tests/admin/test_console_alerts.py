"""The pages of alert recipients: owners add and test them, what is secret stays inside, and everything leaves a record."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse

from audit.models import AuditRecord
from flows.alerting.sending import Result
from flows.models import AlertDelivery, AlertTarget
from tests import factories as make
from tests.admin.console_world import World, address

CANARIES = ("address-canary-0123456789", "signing-canary-0123456789")


def form(world: World, **fields: Any) -> dict[str, Any]:
    known = {
        "organization": world.rows["organization"].pk, "label": "Chat", "kind": "webhook",
        "address": "https://hooks.example/" + CANARIES[0],
        "secret": CANARIES[1], "errors": "now", "warnings": "daily", "digest_hour": "7", "enabled": "on",
    }  # fmt: skip
    return {**known, **fields}


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []

    def send(target: AlertTarget, content: dict[str, Any], _key: str, _now: object) -> Result:
        found.append((str(target.address), content["event"]))
        return Result(True, "It answered 200. thanks")

    monkeypatch.setattr("flows.alerting.delivering.send", send)
    return found


def test_an_owner_adds_a_target_and_tests_it(world: World, sent: list[tuple[str, str]]) -> None:
    client = world.client("owner")
    assert client.post(address(AlertTarget, "add"), form(world)).status_code == 302
    made = AlertTarget.objects.get(label="Chat")
    assert (made.address, made.secret, made.warnings) == ("https://hooks.example/" + CANARIES[0], CANARIES[1], "daily")
    page = client.post(address(made, "press", made.pk, "test"), follow=True).content.decode()
    assert "Chat: It answered 200. thanks" in page
    assert sent == [("https://hooks.example/" + CANARIES[0], "alert.test")]
    told = AuditRecord.objects.get(action="send a test")
    assert (told.actor, told.organization_id) == ("owner", world.rows["organization"].pk)
    assert AuditRecord.objects.filter(action="add alert recipient", actor="owner").count() == 1


def test_what_is_secret_is_on_no_page_and_in_no_record(world: World, sent: list[tuple[str, str]]) -> None:
    client = world.client("owner")
    client.post(address(AlertTarget, "add"), form(world))
    made = AlertTarget.objects.get(label="Chat")
    client.post(address(made, "press", made.pk, "test"))
    client.post(address(made, "change", made.pk), form(world, address="", secret="", label="Chat room"))
    made.refresh_from_db()
    assert (made.label, made.address, made.secret) == ("Chat room", "https://hooks.example/" + CANARIES[0], CANARIES[1])
    urls = [address(made, page, *arguments) for page, arguments in (("changelist", ()), ("change", (made.pk,)), ("history", (made.pk,)))]
    delivery = AlertDelivery.objects.get(kind="test")
    urls += [address(AlertDelivery, "changelist"), address(delivery, "change", delivery.pk)]
    for url in urls:
        for who in ("owner", "support", "root"):
            page = world.client(who).get(url).content.decode()
            assert not [canary for canary in CANARIES if canary in page], url
    assert not [canary for canary in CANARIES if canary in str(list(AuditRecord.objects.values()))]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"address": ""}, "address"),
        ({"address": "ftp://hooks.example/"}, "address"),
        ({"address": "http://user:pass@hooks.example/"}, "address"),
        ({"address": "http://hooks.example/"}, "address"),
        ({"secret": ""}, "secret"),
        ({"secret": "short"}, "secret"),
        ({"kind": "email", "address": "nobody"}, "address"),
        ({"digest_hour": "24"}, "digest_hour"),
        ({"kind": "pigeon"}, "kind"),
    ],
)
def test_what_cannot_be_is_not_stored(world: World, settings: Any, fields: dict[str, str], wrong: str) -> None:
    settings.ALLOW_PRIVATE_STORES = False
    before = AlertTarget.objects.count()
    answer = world.client("owner").post(address(AlertTarget, "add"), form(world, **fields))
    assert answer.status_code == 200
    assert wrong in answer.context["adminform"].form.errors
    assert AlertTarget.objects.count() == before


def test_a_target_belongs_to_ones_own_organization(world: World) -> None:
    answer = world.client("owner").post(address(AlertTarget, "add"), form(world, organization=world.theirs["organization"].pk))
    assert "organization" in answer.context["adminform"].form.errors
    assert not AlertTarget.objects.filter(label="Chat").exists()


def test_the_mail_to_the_contacts_cannot_be_deleted(world: World) -> None:
    contacts = make.AlertTargetFactory(organization=world.rows["organization"], kind="email", address="", secret="")
    client, hook = world.client("owner"), world.rows["alerttarget"]
    assert client.post(address(contacts, "delete", contacts.pk), {"post": "yes"}).status_code == 403
    assert client.post(address(hook, "delete", hook.pk), {"post": "yes"}).status_code == 302
    assert list(AlertTarget.objects.filter(organization=world.rows["organization"])) == [contacts]


def test_an_alert_tells_who_was_told(world: World) -> None:
    alert = world.rows["alert"]
    make.AlertDeliveryFactory(target=world.rows["alerttarget"], alert=alert, kind="opened", answer="It answered 200.")
    page = world.client("bookkeeper").get(address(alert, "change", alert.pk)).content.decode()
    assert "an alert was opened to Chat of Mine" in page
    assert "It answered 200." in page


def test_support_sees_the_state_and_has_no_button(world: World) -> None:
    hook, client = world.rows["alerttarget"], world.client("support")
    page = client.get(address(hook, "change", hook.pk)).content.decode()
    assert "Send a test" not in page
    assert 'name="_save"' not in page
    assert client.post(reverse("admin:flows_alerttarget_press", args=[hook.pk, "test"])).status_code == 403
    assert not AlertDelivery.objects.filter(kind="test").exists()
