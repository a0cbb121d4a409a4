"""Secrets of connections stay with their connection; keys are rotated without loss."""

from __future__ import annotations

import json
import random
from io import StringIO

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection as database
from django.test import override_settings
from django.utils import timezone

from audit.redaction import redact_text
from connectors.kit.errors import Unauthorised
from credentials import rotation
from credentials.models import Authenticator, Connection, Organization, Secret
from credentials.vault import forget, has_secret, read_secrets, set_secrets, stored_secrets, unpacked
from flows.models import PrivacyCase, Subscription
from tests.factories import AlertTargetFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def shops() -> list[Connection]:
    organization = Organization.objects.create(name="Ada Ltd", slug="ada")
    return [Connection.objects.create(organization=organization, platform="shopette", label=f"Shop {n}") for n in range(3)]


def test_set_read_has_forget(shops: list[Connection]) -> None:
    set_secrets(shops[0], {"key": "one-secret-value", "other": "two"})
    set_secrets(shops[0], {"key": "new-secret-value"})
    assert read_secrets(shops[0]) == {"key": "new-secret-value", "other": "two"}
    assert read_secrets(shops[1]) == {}
    assert (has_secret(shops[0], "key"), has_secret(shops[1], "key")) == (True, False)
    set_secrets(shops[0], {"other": ""})
    assert not has_secret(shops[0], "other")
    forget(shops[0], "key")
    assert read_secrets(shops[0]) == {}
    assert redact_text("the value new-secret-value") == "the value ***"


def test_reading_shows_nothing_in_a_repr(shops: list[Connection]) -> None:
    set_secrets(shops[0], {"key": "one-secret-value"})
    assert repr(read_secrets(shops[0])) == "{'key': '***'}"
    assert str(Secret.objects.get()) == f"key of {shops[0].pk}"


def test_a_secret_in_another_row_is_refused(shops: list[Connection]) -> None:
    for shop in shops:
        set_secrets(shop, {"key": f"secret of {shop.label}", "other": f"other of {shop.label}"})
    rows = list(Secret.objects.order_by("id"))
    with database.cursor() as cursor:
        cursor.execute("SELECT id, value FROM credentials_secret ORDER BY id")
        tokens = {pk: bytes(value) for pk, value in cursor.fetchall()}
    choice = random.Random(7)
    for _ in range(30):
        target, source = choice.sample(rows, 2)
        with database.cursor() as cursor:
            cursor.execute("UPDATE credentials_secret SET value = %s WHERE id = %s", [tokens[source.pk], target.pk])
        with pytest.raises(Unauthorised, match="was stored for another connection") as refusal:
            read_secrets(target.connection)
        assert refusal.value.code == "secret_unusable"
        with database.cursor() as cursor:
            cursor.execute("UPDATE credentials_secret SET value = %s WHERE id = %s", [tokens[target.pk], target.pk])
    assert read_secrets(shops[0])["key"] == "secret of Shop 0"


def test_a_bad_secret_names_itself(shops: list[Connection]) -> None:
    set_secrets(shops[0], {"key": "x"})
    with override_settings(FERNET_KEYS=["another"]), pytest.raises(Unauthorised, match='"key" of "Shop 0" cannot be decrypted'):
        read_secrets(shops[0])
    Secret.objects.update(value="not our form")
    with pytest.raises(Unauthorised, match="not in the form"):
        read_secrets(shops[0])


def test_what_was_decrypted_before_goes_by_ciphertext_and_keys(shops: list[Connection]) -> None:
    """Jobs decrypt a secret once per process; a replaced one, a moved one and a key that was taken away count at once."""
    shop, other = shops[0], shops[1]

    def known(connection: Connection) -> dict[str, str]:
        return unpacked(connection, stored_secrets(shop, other))

    set_secrets(shop, {"key": "first", "more": "x"})
    set_secrets(other, {"key": "theirs"})
    assert (known(shop), known(other)) == ({"key": "first", "more": "x"}, {"key": "theirs"})
    set_secrets(shop, {"key": "second", "more": ""})
    assert known(shop) == {"key": "second"}
    with override_settings(FERNET_KEYS=["another"]), pytest.raises(Unauthorised, match='"key" of "Shop 0" cannot be decrypted'):
        known(shop)
    assert known(shop) == {"key": "second"}
    with database.cursor() as cursor:
        cursor.execute("SELECT value FROM credentials_secret WHERE connection_id = %s", [other.pk])
        cursor.execute("UPDATE credentials_secret SET value = %s WHERE connection_id = %s", [cursor.fetchone()[0], shop.pk])
    with pytest.raises(Unauthorised, match="was stored for another connection"):
        known(shop)


NEW = ["new", "only-for-tests-1"]


def test_rotation_re_encrypts_everything(shops: list[Connection]) -> None:
    for shop in shops:
        set_secrets(shop, {"key": f"secret of {shop.label}"})
        Subscription.objects.create(connection=shop, topic="t", secret=f"s {shop.label}", previous_secret="")
        PrivacyCase.objects.create(connection=shop, kind="export_person", wanted="w", export="e", received_at=timezone.now())
        Authenticator.objects.create(user=User.objects.create_user(shop.label), key="k")
        AlertTargetFactory(organization=shop.organization)
    stamps = list(Secret.objects.order_by("id").values_list("updated_at", flat=True))
    with override_settings(FERNET_KEYS=NEW):
        set_secrets(shops[2], {"key": "already new"})
        with pytest.raises(SystemExit):
            call_command("rotate_keys", "--check", stdout=StringIO())
        out = StringIO()
        call_command("rotate_keys", stdout=out)
        assert "credentials.Secret.value: 1 under key 1, 2 under key 2; 2 re-encrypted, 0 unreadable." in out.getvalue()
        assert "flows.Subscription.secret: 0 under key 1, 3 under key 2; 3 re-encrypted, 0 unreadable." in out.getvalue()
        assert "flows.Subscription.previous_secret: 0 under key 1, 3 under key 2" in out.getvalue()
        call_command("rotate_keys", "--check", "--json", stdout=(told := StringIO()))
        assert {tuple(column["per_key"]) for column in json.loads(told.getvalue())} == {(3, 0)}
    with override_settings(FERNET_KEYS=["new"]):
        assert [read_secrets(shop)["key"] for shop in shops] == ["secret of Shop 0", "secret of Shop 1", "already new"]
        assert [str(row.secret) for row in Subscription.objects.order_by("id")] == ["s Shop 0", "s Shop 1", "s Shop 2"]
    assert list(Secret.objects.order_by("id").values_list("updated_at", flat=True))[:2] == stamps[:2]


def test_rotation_goes_on_where_it_was_killed(shops: list[Connection], monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(7):
        set_secrets(shops[0], {f"name{n}": f"value {n}"})
    monkeypatch.setattr(rotation, "BATCH", 2)
    calls = []
    original = rotation._batch

    def dies_in_the_third(*args: object) -> object:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args)  # type: ignore[arg-type]

    with override_settings(FERNET_KEYS=NEW):
        monkeypatch.setattr(rotation, "_batch", dies_in_the_third)
        with pytest.raises(KeyboardInterrupt):
            list(rotation.rotate())
        monkeypatch.setattr(rotation, "_batch", original)
        found = {column.column: column for column in rotation.rotate()}
        assert found["credentials.Secret.value"].per_key == (4, 3)
        assert found["credentials.Secret.value"].rotated == 3
    with override_settings(FERNET_KEYS=["new"]):
        assert read_secrets(shops[0]) == {f"name{n}": f"value {n}" for n in range(7)}


def test_rotation_reports_and_leaves_what_no_key_opens(shops: list[Connection]) -> None:
    set_secrets(shops[0], {"key": "good"})
    with override_settings(FERNET_KEYS=["lost key"]):
        set_secrets(shops[1], {"key": "lost"})
    out, errors = StringIO(), StringIO()
    with override_settings(FERNET_KEYS=NEW), pytest.raises(SystemExit) as stop:
        call_command("rotate_keys", stdout=out, stderr=errors)
    assert stop.value.code == 1
    assert "1 re-encrypted, 1 unreadable" in out.getvalue()
    with override_settings(FERNET_KEYS=["lost key"]):
        assert read_secrets(shops[1]) == {"key": "lost"}
