"""Connections in the console: secrets go in and never come out, and never to another address than they were entered for."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from audit.models import AuditRecord
from connectors.kit.contract import OAuth2, Probe
from connectors.registry import all_connectors
from credentials.models import Connection, Organization, Secret
from credentials.setting_fields import secrets_of
from credentials.vault import read_secrets, set_secrets
from tests import factories as make
from tests.admin.console_world import CANARY, World, address


def form_of(client: Client, connection: Connection) -> dict[str, Any]:
    """The page's form as a browser would send it back."""
    form = client.get(address(connection, "change", connection.pk)).context["adminform"].form
    return {name: value for name in form.fields if (value := form[name].value()) not in (None, False)}


def test_a_new_connection_in_two_steps(world: World) -> None:
    client, organization = world.client("owner"), world.rows["organization"]
    posted = {"organization": organization.pk, "platform": "woocommerce", "label": "New shop", "base_url": "https://new.example"}
    answer = client.post(address(Connection, "add"), posted)
    made = Connection.objects.get(label="New shop")
    assert answer.url == address(made, "change", made.pk)
    assert (made.status, made.organization_id, made.base_url) == ("new", organization.pk, "https://new.example")
    page = client.get(answer.url).content.decode()
    assert "Consumer secret" in page
    assert "Not entered yet." in page


def test_a_new_connection_of_a_foreign_organization_or_unknown_platform_is_refused(world: World) -> None:
    client = world.client("owner")
    posted = {"organization": world.theirs["organization"].pk, "platform": "nonsense", "label": "Taken", "base_url": ""}
    errors = client.post(address(Connection, "add"), posted).context["adminform"].form.errors
    assert set(errors) == {"organization", "platform"}
    assert not Connection.objects.filter(label="Taken").exists()


def test_secrets_are_stored_and_never_shown(world: World) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    assert isinstance(connection, Connection)
    assert CANARY not in client.get(address(connection, "change", connection.pk)).content.decode()
    posted = {**form_of(client, connection), "secret_consumer_secret": "cs_new-canary-1234567890"}
    answer = client.post(address(connection, "change", connection.pk), posted, follow=True)
    assert answer.redirect_chain[0][0] == address(Connection, "changelist")
    assert read_secrets(connection) == {"consumer_key": "ck_" + CANARY, "consumer_secret": "cs_new-canary-1234567890"}
    record = AuditRecord.objects.get(action="change connection")
    assert (record.actor, record.source_id, record.connection_id) == ("owner", str(connection.pk), connection.pk)
    assert record.message == f"{connection}: Changed Consumer secret."
    everything = str(list(AuditRecord.objects.values())) + answer.content.decode()
    everything += client.get(address(connection, "change", connection.pk)).content.decode()
    everything += client.get(address(connection, "history", connection.pk)).content.decode()
    assert "canary" not in everything


def test_keys_that_nobody_has_to_enter_are_not_called_missing(world: World) -> None:
    owner, mine = world.client("owner"), world.rows["connection"].organization
    magento, woo = (make.ShopFactory(organization=mine, platform=name) for name in ("magento", "woocommerce"))
    pages = [owner.get(address(Connection, "change", one.pk)).content.decode() for one in (magento, woo)]
    assert 'Webhook secret <span class="badge badge-quiet">not entered</span>' in pages[0]
    assert 'Consumer secret <span class="badge badge-bad">missing</span>' in pages[1]
    assert 'badge-bad">missing' not in pages[0]


def test_a_rejected_form_does_not_send_the_secret_back(world: World) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    assert isinstance(connection, Connection)
    posted = {**form_of(client, connection), "label": "", "secret_consumer_secret": "cs_typed-canary-987654321"}
    answer = client.post(address(connection, "change", connection.pk), posted)
    assert answer.status_code == 200
    assert "cs_typed-canary" not in answer.content.decode()
    assert read_secrets(connection)["consumer_secret"] == CANARY


def test_empty_keeps_and_other_settings_are_ordinary(world: World) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    assert isinstance(connection, Connection)
    choices = dict(client.get(address(connection, "change", connection.pk)).context["adminform"].form.fields["setting_auth"].choices)
    other = next(name for name in choices if name != "auto")
    client.post(address(connection, "change", connection.pk), {**form_of(client, connection), "setting_auth": other})
    connection.refresh_from_db()
    assert connection.settings == {"auth": other}
    assert read_secrets(connection)["consumer_secret"] == CANARY


@pytest.mark.parametrize("change", [{"base_url": "https://thief.example"}, {"urls": '{"api": "https://thief.example"}'}])
def test_stored_keys_do_not_follow_a_changed_address(world: World, change: dict[str, str]) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    assert isinstance(connection, Connection)
    before = connection.base_url
    told = {f"initial-{name}": value for name, value in change.items()}  # a browser may claim that nothing changes
    answer = client.post(address(connection, "change", connection.pk), {**form_of(client, connection), **change, **told})
    errors = answer.context["adminform"].form.errors
    assert set(errors) == {"secret_consumer_key", "secret_consumer_secret"}
    connection.refresh_from_db()
    assert (connection.base_url, connection.urls) == (before, {})
    again = {**form_of(client, connection), **change, "secret_consumer_key": "ck_other", "secret_consumer_secret": "cs_other"}
    assert client.post(address(connection, "change", connection.pk), again).status_code == 302
    assert read_secrets(connection) == {"consumer_key": "ck_other", "consumer_secret": "cs_other"}


def test_tokens_are_forgotten_with_their_address(world: World) -> None:
    client, books = world.client("owner"), Connection.objects.get(flows_to=world.rows["flow"].pk)
    app = {"client_id": "app", "client_secret": "app-secret"}
    set_secrets(books, {**app, "access_token": "a-token", "refresh_token": "r-token"})
    posted = {**form_of(client, books), "urls": '{"token": "https://elsewhere.example/token"}'}
    posted |= {f"secret_{name}": value for name, value in app.items()}
    assert client.post(address(books, "change", books.pk), posted).status_code == 302
    assert read_secrets(books) == app


def test_a_worker_that_renews_access_meanwhile_is_not_overwritten(world: World) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    assert isinstance(connection, Connection)
    posted = {**form_of(client, connection), "label": "Renamed"}
    Connection.objects.filter(pk=connection.pk).update(learned={"negative_lines": "refused"}, status="reauthorise")
    client.post(address(connection, "change", connection.pk), posted)
    connection.refresh_from_db()
    assert (connection.label, connection.learned, connection.status) == ("Renamed", {"negative_lines": "refused"}, "reauthorise")


def test_test_button_tells_in_sentences(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    probes = [Probe(facts={"shop": "Acme"}), Probe(problems=("The key may only read.", "Make one that may write."))]
    actors: list[str] = []
    monkeypatch.setattr("credentials.admin.connection.probe_connection", lambda _c, actor: actors.append(actor) or probes.pop(0))
    url = address(connection, "press", connection.pk, "test")
    assert f"{connection} answers to our credentials. shop: Acme." in client.post(url, follow=True).content.decode()
    page = client.post(url, follow=True).content.decode()
    assert "The key may only read. Make one that may write." in page
    assert actors == ["owner", "owner"]


def test_pause_and_resume(world: World) -> None:
    client, connection = world.client("owner"), world.rows["connection"]
    for button, status in (("pause", "paused"), ("resume", "new")):
        client.post(address(connection, "press", connection.pk, button))
        connection.refresh_from_db()
        assert connection.status == status
        assert AuditRecord.objects.get(action=f"{button} connection").actor == "owner"
    again = client.post(address(connection, "press", connection.pk, "resume"), follow=True)
    assert "is not in a state for this now" in again.content.decode()
    assert AuditRecord.objects.filter(action="resume connection").count() == 1


def test_oauth_and_handover_buttons(world: World) -> None:
    shop, books = world.rows["connection"], Connection.objects.get(flows_to=world.rows["flow"].pk)
    owner, support = world.client("owner"), world.client("support")
    assert f'action="/connect/{shop.pk}/handover/"' in owner.get(address(shop, "change", shop.pk)).content.decode()
    assert f'action="/connect/{books.pk}/oauth/"' in owner.get(address(books, "change", books.pk)).content.decode()
    for row in (shop, books):
        assert "/connect/" not in support.get(address(row, "change", row.pk)).content.decode()


def test_webhooks_button(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[tuple[int, str]] = []
    monkeypatch.setattr("flows.admin.connection.ensure_subscriptions", lambda c, actor: called.append((c.pk, actor)) or [])
    shop = world.rows["connection"]
    page = world.client("support").post(address(shop, "press", shop.pk, "webhooks"), follow=True).content.decode()
    assert "Webhooks are set up: " in page
    assert called == [(shop.pk, "support")]
    assert AuditRecord.objects.get(action="set up webhooks").actor == "support"


def test_only_unused_connections_can_be_deleted(world: World) -> None:
    client, used = world.client("owner"), world.rows["connection"]
    assert client.post(address(used, "delete", used.pk), {"post": "yes"}).status_code == 403
    fresh = make.ShopFactory(organization=world.rows["organization"])
    set_secrets(fresh, {"consumer_key": "ck_x"})
    assert client.post(address(fresh, "delete", fresh.pk), {"post": "yes"}).status_code == 302
    assert not Connection.objects.filter(pk=fresh.pk).exists()
    assert not Secret.objects.filter(connection_id=fresh.pk).exists()
    assert Connection.objects.filter(pk=used.pk).exists()
    assert AuditRecord.objects.get(action="delete connection").actor == "owner"


def test_contacts_must_be_addresses(world: World) -> None:
    organization = world.rows["organization"]
    posted = {"name": organization.name, "contacts": "not an address"}
    answer = world.client("root").post(address(organization, "change", organization.pk), posted)
    assert answer.context["adminform"].form.errors == {"contacts": ["not an address is no e-mail address."]}
    assert Organization.objects.get(pk=organization.pk).contacts == ""


def test_each_secret_is_asked_for_once(world: World) -> None:
    for platform, connector in all_connectors().items():
        names = [setting.name for setting in secrets_of(connector, {})]
        assert len(names) == len(set(names)), platform
        assert set(names) >= ({"client_id", "client_secret"} if isinstance(connector.auth, OAuth2) else {names[0]})
