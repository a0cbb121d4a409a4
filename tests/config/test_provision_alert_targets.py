"""Provisioning who is told of alerts: idempotent, every kind, and every mistake is named by its place."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from audit.models import AuditRecord
from config.provision.reading import ProvisionError
from credentials.models import Organization
from flows.alerting.sending import addresses_of
from flows.models import AlertTarget
from tests.config.test_provision import apply, steps

pytestmark = pytest.mark.django_db

TARGETS = """
    [[organizations]]
    name = "Hollow Hill Pottery"
    slug = "hollow-hill"

    [[alert_targets]]
    organization = "hollow-hill"
    label = "Bookkeeping"
    kind = "email"
    addresses = ["ines@hollow-hill.example", "jo@hollow-hill.example"]
    warnings = "daily"
    digest_hour = 6

    [[alert_targets]]
    organization = "hollow-hill"
    label = "Chat"
    kind = "slack"
    address = "env:CHAT"
    tell_end = true

    [[alert_targets]]
    organization = "hollow-hill"
    label = "Monitoring"
    kind = "webhook"
    address = "https://monitoring.hollow-hill.example/in"
    secret = "a-secret-of-monitoring"
    errors = "off"
    enabled = false

    [[alert_targets]]
    organization = "hollow-hill"
    label = "The organization's contacts"
    kind = "email"
    warnings = "off"
"""
CHAT = {"CHAT": "https://hooks.chat.example/services/of-the-chat"}


def test_alert_targets_of_every_kind_are_there_afterwards() -> None:
    before = timezone.now()
    assert steps(apply(TARGETS, CHAT)) == [
        "created organization hollow-hill",
        "created alert target 'Bookkeeping' of hollow-hill",
        "created alert target 'Chat' of hollow-hill",
        "created alert target 'Monitoring' of hollow-hill",
        'changed alert target "The organization\'s contacts" of hollow-hill (warnings)',
    ]
    rows = {row.label: row for row in AlertTarget.objects.all()}
    assert {label: (row.kind, str(row.address), str(row.secret)) for label, row in rows.items()} == {
        "The organization's contacts": ("email", "", ""),
        "Bookkeeping": ("email", "ines@hollow-hill.example, jo@hollow-hill.example", ""),
        "Chat": ("slack", CHAT["CHAT"], ""),
        "Monitoring": ("webhook", "https://monitoring.hollow-hill.example/in", "a-secret-of-monitoring"),
    }
    told = {label: (row.errors, row.warnings, row.tell_end, row.digest_hour, row.enabled) for label, row in rows.items()}
    assert told == {
        "The organization's contacts": ("now", "off", False, 7, True),
        "Bookkeeping": ("now", "daily", False, 6, True),
        "Chat": ("now", "now", True, 7, True),
        "Monitoring": ("off", "now", False, 7, False),
    }
    assert before <= rows["Chat"].since <= timezone.now()
    assert addresses_of(rows["Bookkeeping"]) == ["ines@hollow-hill.example", "jo@hollow-hill.example"]


def test_alert_targets_again_change_only_what_differs() -> None:
    apply(TARGETS, CHAT)
    since = list(AlertTarget.objects.order_by("pk").values_list("pk", "since"))
    assert {step.verb for step in apply(TARGETS, CHAT).steps} == {"left"}
    AlertTarget.objects.filter(label="Bookkeeping").update(errors="off")  # which the file does not name
    done = apply(TARGETS.replace("a-secret-of-monitoring", "another-secret-of-ours"), {"CHAT": "https://hooks.chat.example/elsewhere"})
    assert [line for line in steps(done) if not line.startswith("left")] == [
        "changed alert target 'Chat' of hollow-hill (address)",
        "changed alert target 'Monitoring' of hollow-hill (secret)",
    ]
    assert str(AlertTarget.objects.get(label="Monitoring").secret) == "another-secret-of-ours"
    assert AlertTarget.objects.get(label="Bookkeeping").errors == "off"
    assert list(AlertTarget.objects.order_by("pk").values_list("pk", "since")) == since
    audited = " ".join(f"{record.message} {record.evidence}" for record in AuditRecord.objects.all())
    assert "alert target 'Chat'" in audited
    for secret in ("another-secret-of-ours", "a-secret-of-monitoring", "of-the-chat", "elsewhere"):
        assert secret not in audited


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('kind = "slack"', 'kind = "slak"', r"^alert_targets\[2\]\.kind: expected one of email, slack, webhook\. Did you mean 'slack'\?$"),
        ('address = "env:CHAT"', "", r"^alert_targets\[2\]\.address: is missing$"),
        ("env:CHAT", "env:NOBODY", r"^alert_targets\[2\]\.address: the environment has no NOBODY$"),
        ("env:CHAT", "hooks.chat.example", r"^alert_targets\[2\]\.address: It cannot be called: only http and https"),
        ("tell_end = true", 'secret = "a-secret-of-the-chat"', r"^alert_targets\[2\]\.secret: is for webhook"),
        ('secret = "a-secret-of-monitoring"', "", r"^alert_targets\[3\]\.secret: is missing$"),
        ("a-secret-of-monitoring", "short", r"^alert_targets\[3\]\.secret: At least 16 characters"),
        ('"jo@hollow-hill.example"', '"jo"', r"^alert_targets\[1\]\.addresses\[1\]: jo is no e-mail address\.$"),
        ("addresses = [", 'address = "a@b.example"\nextra = [', r"^alert_targets\[1\]\.extra: unknown key"),
        (
            'addresses = ["ines@hollow-hill.example", "jo@hollow-hill.example"]',
            'address = "a@b.example"',
            r"^alert_targets\[1\]\.address: is for",
        ),
        ('address = "env:CHAT"', 'addresses = ["a@b.example"]', r"^alert_targets\[2\]\.addresses: is for e-mail; slack has one address$"),
        ('warnings = "daily"', 'warnings = "weekly"', r"^alert_targets\[1\]\.warnings: expected one of now, daily, off"),
        ("digest_hour = 6", "digest_hour = 24", r"^alert_targets\[1\]\.digest_hour: an hour of the day is 0 to 23$"),
        (
            'label = "Chat"',
            'label = "Bookkeeping"',
            r"^alert_targets\[2\]: alert target 'hollow-hill / Bookkeeping' is already",
        ),
        ("[[alert_targets]]", "[[alert_target]]", r"^alert_target: unknown key\. Did you mean 'alert_targets'\?$"),
    ],
)
def test_a_mistake_in_an_alert_target_is_named_by_its_place(old: str, new: str, message: str) -> None:
    assert old in TARGETS
    with pytest.raises(ProvisionError, match=message) as caught:
        apply(TARGETS.replace(old, new, 1), CHAT)
    assert "of-the-chat" not in str(caught.value)
    assert not AlertTarget.objects.exists()
    assert not Organization.objects.exists()


def test_an_alert_target_needs_its_organization_and_keeps_its_kind() -> None:
    with pytest.raises(ProvisionError, match=r"^alert_targets\[1\]\.organization: there is no organization 'hollow-hill'"):
        apply(TARGETS.partition('slug = "hollow-hill"')[2], CHAT)
    apply(TARGETS, CHAT)
    with pytest.raises(ProvisionError, match=r"^alert_targets\[2\]\.kind: this target is already one of kind slack"):
        apply(TARGETS.replace('kind = "slack"', 'kind = "webhook"\nsecret = "a-secret-of-the-chat"'), CHAT)
    assert AlertTarget.objects.get(label="Chat").kind == "slack"


def test_alerts_go_over_https_where_private_addresses_are_not_allowed(settings: Any) -> None:
    settings.ALLOW_PRIVATE_STORES = False
    with pytest.raises(ProvisionError, match=r"^alert_targets\[2\]\.address: Alerts go over https only\.$"):
        apply(TARGETS, {"CHAT": "http://chat.example/x"})
    assert not AlertTarget.objects.exists()
