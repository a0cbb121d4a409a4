"""Provisioning: idempotent, all or nothing, and every mistake is named by its place."""

from __future__ import annotations

import textwrap
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from audit.models import AuditRecord
from config.provision.apply import Provisioned, provision
from config.provision.entries import read_toml
from config.provision.reading import ProvisionError
from credentials.models import Connection, Invitation, Membership, Organization, Secret
from credentials.people.tokens import make_token
from credentials.vault import read_secrets
from flows.models import FieldMapping, Flow, ItemMapping, SyncJob, ValueMapping

pytestmark = pytest.mark.django_db

WHOLE = """
    [[organizations]]
    name = "Hollow Hill Pottery"
    slug = "hollow-hill"
    contacts = ["books@hollow-hill.example", "owner@hollow-hill.example"]

    [[users]]
    username = "ines"
    email = "ines@hollow-hill.example"
    password = "env:INES_PASSWORD"
    organizations = ["hollow-hill"]
    roles = ["bookkeeper", "support"]

    [[connections]]
    organization = "hollow-hill"
    label = "Shop"
    platform = "woocommerce"
    base_url = "https://shop.hollow-hill.example"
    reenable_subscriptions = true
    settings = { auth = "basic", rate_per_second = 7.5 }
    secrets = { consumer_key = "ck_of_the_shop", consumer_secret = "env:SHOP_SECRET" }

    [[connections]]
    organization = "hollow-hill"
    label = "Books"
    platform = "freshbooks"
    urls = { api = "http://127.0.0.1:9", token = "http://127.0.0.1:9/token" }
    ids = { account_id = "AbC123" }
    secrets = { refresh_token = "first-refresh" }

    [[flows]]
    organization = "hollow-hill"
    label = "Orders"
    recipe = "order_to_invoice"
    source = "Shop"
    destination = "Books"
    poll_seconds = 120
    options = { statuses = ["processing", "completed"], rounding_bound = 0.07, update_clients = false, refunds = "credit_note" }

    [[flows.items]]
    sku = "MUG-XL"
    item_id = "4711"
    item_name = "Large mug"

    [[flows.values]]
    kind = "gateway"
    source = "bacs"
    target = "Bank Transfer"

    [[flows.fields]]
    target = "invoice.notes"
    expression = "note"
    default = "-"

    [[flows]]
    organization = "hollow-hill"
    label = "Payments"
    recipe = "payment_to_order_status"
    source = "Books"
    destination = "Shop"
    enabled = false
    poll_seconds = 0
"""
ENVIRON = {"INES_PASSWORD": "a long enough phrase", "SHOP_SECRET": "cs_from_the_environment"}


def apply(text: str = WHOLE, environ: dict[str, str] | None = None) -> Provisioned:
    return provision(read_toml(textwrap.dedent(text)), ENVIRON if environ is None else environ)


def steps(done: Provisioned) -> list[str]:
    return [" ".join(str(step).split()) for step in done.steps]


@pytest.fixture(autouse=True)
def roles() -> None:
    for name in ("bookkeeper", "support", "owner"):
        Group.objects.get_or_create(name=name)


def test_everything_of_the_file_is_there_afterwards() -> None:
    done = apply()
    assert steps(done) == [
        "created organization hollow-hill",
        "created user ines",
        "created connection 'Shop' of hollow-hill",
        "created connection 'Books' of hollow-hill",
        "created flow 'Orders' of hollow-hill",
        "created item mapping 'MUG-XL' of 'Orders'",
        "created value mapping 'gateway bacs' of 'Orders'",
        "created field mapping 'invoice.notes' of 'Orders'",
        "created flow 'Payments' of hollow-hill",
    ]
    organization = Organization.objects.get()
    assert organization.contacts == "books@hollow-hill.example\nowner@hollow-hill.example"
    ines = User.objects.get(username="ines")
    assert (ines.is_staff, ines.is_superuser, ines.check_password("a long enough phrase")) == (True, False, True)
    assert sorted(ines.groups.values_list("name", flat=True)) == ["bookkeeper", "support"]
    assert list(Membership.objects.values_list("user__username", "organization__slug")) == [("ines", "hollow-hill")]


def test_connections_have_their_settings_and_encrypted_secrets() -> None:
    apply()
    shop, books = Connection.objects.get(label="Shop"), Connection.objects.get(label="Books")
    assert (shop.platform, shop.base_url, shop.reenable_subscriptions) == ("woocommerce", "https://shop.hollow-hill.example", True)
    assert shop.settings == {"auth": "basic", "rate_per_second": "7.5"}
    assert read_secrets(shop) == {"consumer_key": "ck_of_the_shop", "consumer_secret": "cs_from_the_environment"}
    assert (books.urls, books.ids) == ({"api": "http://127.0.0.1:9", "token": "http://127.0.0.1:9/token"}, {"account_id": "AbC123"})


def test_flows_have_their_options_mappings_and_polling() -> None:
    apply()
    orders, payments = Flow.objects.get(label="Orders"), Flow.objects.get(label="Payments")
    assert orders.options == {
        "statuses": ["processing", "completed"],
        "rounding_bound": "0.07",
        "update_clients": False,
        "refunds": "credit_note",
    }
    assert (orders.source.label, orders.destination.label, orders.enabled, orders.poll_seconds) == ("Shop", "Books", True, 120)
    assert (payments.source.label, payments.destination.label, payments.enabled, payments.poll_seconds) == ("Books", "Shop", False, 0)
    assert ItemMapping.objects.values_list("flow__label", "sku", "item_id", "item_name").get() == ("Orders", "MUG-XL", "4711", "Large mug")
    assert ValueMapping.objects.values_list("kind", "source", "target").get() == ("gateway", "bacs", "Bank Transfer")
    assert FieldMapping.objects.values_list("target", "expression", "transform", "default").get() == ("invoice.notes", "note", "", "-")
    polls = PeriodicTask.objects.filter(name__startswith="poll flow")
    assert [(poll.name, poll.interval.every) for poll in polls] == [(f"poll flow {orders.pk}", 120)]


def test_the_same_file_again_changes_nothing() -> None:
    apply()
    before = list(Secret.objects.order_by("pk").values_list("pk", "updated_at"))
    records = AuditRecord.objects.count()
    done = apply()
    assert {step.verb for step in done.steps} == {"left"}
    assert (done.connections, done.flows) == ((), ())
    assert list(Secret.objects.order_by("pk").values_list("pk", "updated_at")) == before
    assert AuditRecord.objects.count() == records


def test_a_changed_file_changes_what_differs_and_says_what() -> None:
    apply()
    text = WHOLE.replace("7.5", "9").replace("first-refresh", "second-refresh").replace('"4711"', '"4712"').replace("= 120", "= 240")
    done = apply(text, {**ENVIRON, "INES_PASSWORD": "another long phrase"})
    assert [line for line in steps(done) if not line.startswith("left")] == [
        "changed user ines (password)",
        "changed connection 'Shop' of hollow-hill (settings)",
        "changed connection 'Books' of hollow-hill (secret refresh_token)",
        "changed flow 'Orders' of hollow-hill (poll_seconds)",
        "changed item mapping 'MUG-XL' of 'Orders' (item_id)",
    ]
    assert read_secrets(Connection.objects.get(label="Books")) == {"refresh_token": "second-refresh"}
    assert User.objects.get(username="ines").check_password("another long phrase")
    assert PeriodicTask.objects.get(name__startswith="poll flow").interval.every == 240
    assert [connection.label for connection in done.connections] == ["Shop", "Books"]


def test_who_is_taken_out_of_an_organization_loses_tokens_and_open_invitations_for_it() -> None:
    apply()
    ines, place = User.objects.get(username="ines"), Organization.objects.get()
    token, _ = make_token(ines, place, "script", ["read"], 30)
    Invitation.objects.create(organization=place, email="x@example.com", digest="d", invited_by="ines", expires_at=timezone.now())
    apply(WHOLE.replace('organizations = ["hollow-hill"]', "organizations = []"), ENVIRON)
    token.refresh_from_db()
    assert (ines.memberships.count(), Invitation.objects.count(), token.revoked_at is not None) == (0, 0, True)
    assert AuditRecord.objects.get(action="revoke API token").actor == "provision"


def test_who_is_no_owner_any_more_by_the_file_leaves_no_open_invitation() -> None:
    owning = WHOLE.replace('roles = ["bookkeeper", "support"]', 'roles = ["owner"]')
    apply(owning, ENVIRON)
    place = Organization.objects.get()
    Invitation.objects.create(organization=place, email="x@example.com", digest="d", invited_by="ines", expires_at=timezone.now())
    apply(owning, ENVIRON)
    assert Invitation.objects.exists()
    apply()
    assert not Invitation.objects.exists()
    assert AuditRecord.objects.get(action="withdraw invitation").actor == "provision"


def test_a_mapping_of_the_file_lets_the_waiting_jobs_go_on() -> None:
    apply()
    flow = Flow.objects.get(label="Orders")
    for source_id, subject in (("7", "sku:MUG-XL"), ("8", "sku:OTHER")):
        times = {"not_before": flow.created_at, "created_at": flow.created_at}
        SyncJob.objects.create(flow=flow, object_type="order", source_id=source_id, subject=subject, state="attention", **times)
    apply()
    assert not SyncJob.objects.filter(state="waiting").exists(), "a file that changes nothing asks for nothing"
    ItemMapping.objects.update(item_name="Something else")
    apply()
    assert SyncJob.objects.values_list("source_id", "asked_by").get(state="waiting") == ("7", "provision")


def test_what_the_file_does_not_name_is_left_as_people_made_it() -> None:
    apply()
    Flow.objects.filter(label="Payments").update(enabled=True, options={"match_days": "5"})
    Connection.objects.filter(label="Books").update(currency="EUR", reenable_subscriptions=True)
    ItemMapping.objects.create(flow=Flow.objects.get(label="Orders"), sku="BOWL", item_id="1", item_name="Bowl")
    apply(WHOLE.replace("enabled = false", ""))
    payments, books = Flow.objects.get(label="Payments"), Connection.objects.get(label="Books")
    assert (payments.enabled, payments.options, books.currency, books.reenable_subscriptions) == (True, {"match_days": "5"}, "EUR", True)
    assert ItemMapping.objects.filter(sku="BOWL").exists()


def test_no_secret_is_printed_or_written_to_the_audit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)
    path, out = tmp_path / "file.toml", StringIO()
    path.write_text(textwrap.dedent(WHOLE))
    call_command("provision", str(path), "--no-probe", stdout=out)
    assert out.getvalue().endswith("9 created, 0 changed, 0 left.\n")
    audited = " ".join(f"{record.message} {record.evidence}" for record in AuditRecord.objects.all())
    assert "created connection 'Shop' of hollow-hill" in audited
    for secret in ("ck_of_the_shop", "cs_from_the_environment", "first-refresh", "a long enough phrase"):
        assert secret not in out.getvalue() + audited


WRONG: list[tuple[str, str, str]] = [
    ('slug = "hollow-hill"\n    contacts', "slug = hollow-hill\n    contacts", r"This is not TOML: Invalid value \(at line 4"),
    ("[[users]]", "[[usres]]", r"^usres: unknown key\. Did you mean 'users'\?$"),
    ('email = "ines@hollow-hill.example"', 'e_mail = "x"', r"^users\[1\]\.e_mail: unknown key\. Did you mean 'email'\?$"),
    ("env:INES_PASSWORD", "env:NOBODY", r"^users\[1\]\.password: the environment has no NOBODY$"),
    ('roles = ["bookkeeper", "support"]', 'roles = ["bookkeeper", "suport"]', r"^users\[1\]\.roles\[1\]: there is no role 'suport'"),
    ('organizations = ["hollow-hill"]', 'organizations = ["hill"]', r"^users\[1\]\.organizations\[0\]: there is no organization 'hill'"),
    ('platform = "freshbooks"', 'platform = "freshbook"', r"^connections\[2\]\.platform: unknown platform\. Did you mean 'freshbooks'\?$"),
    ('base_url = "https://', 'base_url = "ftp://', r"^connections\[1\]\.base_url: expected an address that starts with https://"),
    ('api = "http://127', 'api = "127', r"^connections\[2\]\.urls\.api: expected an address"),
    ('auth = "basic"', 'auth = "magic"', r"^connections\[1\]\.settings\.auth: expected one of "),
    ('auth = "basic"', 'atuh = "basic"', r"^connections\[1\]\.settings\.atuh: unknown key\. Did you mean 'auth'\?$"),
    ('auth = "basic"', 'consumer_key = "x"', r"^connections\[1\]\.settings\.consumer_key: is a secret: put it under secrets$"),
    ("consumer_key =", "costumer_key =", r"^connections\[1\]\.secrets\.costumer_key: unknown key\. Did you mean 'consumer_key'\?$"),
    ('"ck_of_the_shop"', "17", r"^connections\[1\]\.secrets\.consumer_key: expected a text, got a number$"),
    ("rate_per_second = 7.5", 'rate_per_second = "fast"', r"^connections\[1\]\.settings\.rate_per_second: expected a number, got a text$"),
    ('label = "Books"', 'label = "Shop"', r"^connections\[2\]: connection 'hollow-hill / Shop' is already described by connections\[1\]$"),
    ('recipe = "order_to_invoice"', 'recipe = "order_to_invoices"', r"^flows\[1\]\.recipe: unknown recipe\. Did you mean"),
    ('destination = "Books"', 'destination = "Boks"', r"^flows\[1\]\.destination: hollow-hill has no connection 'Boks'"),
    ('recipe = "payment_to', 'recipe = "payments_to', r"^flows\[2\]\.recipe: unknown recipe"),
    ("poll_seconds = 120", "poll_seconds = -1", r"^flows\[1\]\.poll_seconds: must not be negative$"),
    ("poll_seconds = 120", "poll_seconds = true", r"^flows\[1\]\.poll_seconds: expected a whole number, got true or false$"),
    ("rounding_bound =", "rounding_bond =", r"^flows\[1\]\.options\.rounding_bond: unknown key\. Did you mean 'rounding_bound'\?$"),
    ("update_clients = false", 'update_clients = "no"', r"^flows\[1\]\.options\.update_clients: expected true or false, got a text$"),
    (
        'refunds = "credit_note"',
        'unknown_sku = "default_item"',
        r"^flows\[1\]\.options\.default_item: Name the default item, or choose something else for a SKU without a mapping\.$",
    ),
    (
        'refunds = "credit_note"',
        'no_email = "default_client", default_client = " "',
        r"^flows\[1\]\.options\.default_client: Name the default client \(its id in the books\), or choose something else ",
    ),
    ('kind = "gateway"', 'kind = "gatway"', r"^flows\[1\]\.values\[1\]\.kind: unknown kind\. Did you mean 'gateway'\?$"),
    ('sku = "MUG-XL"', "", r"^flows\[1\]\.items\[1\]\.sku: is missing$"),
    ("[[flows.fields]]", "[[flows.felds]]", r"^flows\[1\]\.felds: unknown key\. Did you mean 'fields'\?$"),
    ('slug = "hollow-hill"\n    contacts', 'slug = "hollow hill"\n    contacts', r"^organizations\[1\]\.slug: Enter a valid "),
    ('label = "Payments"', 'label = "Orders"', r"^flows\[2\]: flow 'hollow-hill / Orders' is already described by flows\[1\]$"),
]


@pytest.mark.parametrize(("old", "new", "message"), WRONG, ids=[message[:40] for _, _, message in WRONG])
def test_a_mistake_is_named_by_its_place_and_nothing_is_applied(old: str, new: str, message: str) -> None:
    assert old in WHOLE
    with pytest.raises(ProvisionError, match=message):
        apply(WHOLE.replace(old, new, 1))
    assert not Organization.objects.exists()
    assert not User.objects.filter(username="ines").exists()
    assert not AuditRecord.objects.exists()


def test_a_recipe_needs_platforms_that_can_do_their_part() -> None:
    backwards = WHOLE.replace('source = "Shop"\n    destination = "Books"', 'source = "Books"\n    destination = "Shop"')
    message = r"^flows\[1\]\.source: FreshBooks does not read orders, which the recipe order_to_invoice needs$"
    with pytest.raises(ProvisionError, match=message):
        apply(backwards)
    assert not Connection.objects.exists()


def test_a_connection_never_turns_into_one_to_another_platform() -> None:
    apply()
    swapped = '[[connections]]\norganization = "hollow-hill"\nlabel = "Shop"\nplatform = "freshbooks"\n'
    with pytest.raises(ProvisionError, match=r"^connections\[1\]\.platform: this connection is already one to woocommerce"):
        apply(swapped)
    assert Connection.objects.get(label="Shop").platform == "woocommerce"


def test_secrets_never_stand_in_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ProvisionError) as caught:
        apply(WHOLE.replace('consumer_key = "ck_of_the_shop"', 'consumer_kee = "ck_of_the_shop"'))
    assert "ck_of_the_shop" not in str(caught.value)


def test_a_user_without_a_password_cannot_log_in() -> None:
    apply('[[users]]\nusername = "sam"\n')
    assert not User.objects.get(username="sam").has_usable_password()


def test_the_command_fails_with_the_place_and_says_that_nothing_changed(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text("[[organizations]]\nname = 1\n")
    with pytest.raises(CommandError) as caught:
        call_command("provision", str(path))
    assert str(caught.value) == f"{path}: organizations[1].name: expected a text, got a number\nNothing was changed."


def test_a_file_that_is_not_there_is_told() -> None:
    with pytest.raises(CommandError, match=r"^nowhere\.toml cannot be read"):
        call_command("provision", "nowhere.toml")
