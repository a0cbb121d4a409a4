"""The encrypted field: every hole that was seen in the packages is closed, on both databases."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core import serializers
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.management import call_command
from django.db import connection as database
from django.db import transaction
from django.db.models import Case, F, Value, When
from django.db.models.functions import Concat, Upper
from django.test import override_settings
from fernet_fields.hkdf import derive_fernet_key

from credentials.fields import CannotDecrypt, Undecryptable, is_readable
from credentials.models import Connection, Organization
from flows.models import Subscription

pytestmark = pytest.mark.django_db
CANARY = "canary-secret-4711"


@pytest.fixture
def shop() -> Connection:
    organization = Organization.objects.create(name="Ada Ltd", slug="ada")
    return Connection.objects.create(organization=organization, platform="shopette", label="Shop")


@pytest.fixture
def row(shop: Connection) -> Subscription:
    return Subscription.objects.create(connection=shop, topic="order.created", secret=CANARY)


def raw(row: Subscription, column: str = "secret") -> bytes:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT {column} FROM flows_subscription WHERE id = %s", [row.pk])
        return bytes(cursor.fetchone()[0])


def put_raw(row: Subscription, token: bytes) -> None:
    with database.cursor() as cursor:
        cursor.execute("UPDATE flows_subscription SET secret = %s WHERE id = %s", [token, row.pk])


def read(row: Subscription) -> Any:
    return Subscription.objects.get(pk=row.pk).secret


def test_the_table_holds_a_fernet_token_of_the_first_key(row: Subscription) -> None:
    assert CANARY.encode() not in raw(row)
    assert Fernet(derive_fernet_key("only-for-tests-1")).decrypt(raw(row)) == CANARY.encode()
    assert read(row) == CANARY


@pytest.mark.parametrize("text", ["", "x", "ü€😀", "a" * 10_000, "NULL", "encrypted:no"])
def test_every_text_comes_back(row: Subscription, text: str) -> None:
    row.secret = text
    row.save()
    assert read(row) == text


def test_bulk_create_update_and_bulk_update_keep_the_text(shop: Connection) -> None:
    rows = Subscription.objects.bulk_create([Subscription(connection=shop, topic=f"t{n}", secret=f"s{n}") for n in range(3)])
    Subscription.objects.filter(pk=rows[0].pk).update(secret="updated")
    rows[1].secret, rows[2].secret = "bulk one", "bulk two"
    assert Subscription.objects.bulk_update(rows[1:], ["secret"]) == 2
    assert [str(read(row)) for row in rows] == ["updated", "bulk one", "bulk two"]
    assert all(raw(row).startswith(b"gAAAA") for row in rows)


@pytest.mark.parametrize(
    "expression",
    [
        Value(CANARY),
        Upper(Value(CANARY)),
        Concat(Value("a"), Value(CANARY)),
        F("topic"),
        F("previous_secret"),
        Case(When(topic="order.created", then=Value(CANARY)), default=Value("")),
    ],
    ids=["value", "upper", "concat", "column", "other secret", "case"],
)
def test_sql_expressions_are_refused_and_nothing_is_written(row: Subscription, expression: Any) -> None:
    before = raw(row)

    def save() -> None:
        row.secret = expression
        row.save()

    writes: list[Callable[[], object]] = [
        lambda: Subscription.objects.filter(pk=row.pk).update(secret=expression),
        save,
        lambda: Subscription.objects.bulk_update([row], ["secret"]),
    ]
    if not isinstance(expression, (F, Case)):  # Django itself inserts nothing that refers to columns
        writes += [
            lambda: Subscription.objects.create(connection=row.connection, topic="other", secret=expression),
            lambda: Subscription.objects.bulk_create([Subscription(connection=row.connection, topic="b", secret=expression)]),
        ]
    for write in writes:
        with pytest.raises(FieldError, match="is encrypted"), transaction.atomic():
            write()
    assert raw(row) == before
    assert Subscription.objects.count() == 1


LOOKUPS = "exact iexact in gt gte lt lte contains icontains startswith istartswith endswith iendswith range regex iregex length search"


@pytest.mark.parametrize("lookup", LOOKUPS.split())
def test_lookups_are_refused(row: Subscription, lookup: str) -> None:
    with pytest.raises(FieldError, match="encrypted"):
        Subscription.objects.filter(**{f"secret__{lookup}": [CANARY, CANARY] if lookup in ("in", "range") else CANARY}).count()
    with pytest.raises(FieldError, match="encrypted"):
        Subscription.objects.exclude(secret=CANARY).count()


def test_isnull_works(row: Subscription) -> None:
    assert Subscription.objects.filter(secret__isnull=False).count() == 1


@pytest.mark.parametrize("token", [b"plain text", b"gAAAAAtampered", b"\xff\xfe", b""], ids=["plain", "tampered", "binary", "empty"])
def test_one_bad_row_does_not_break_a_list(row: Subscription, shop: Connection, token: bytes) -> None:
    Subscription.objects.create(connection=shop, topic="z", secret="good")
    put_raw(row, token)
    bad, good = Subscription.objects.order_by("topic")
    assert (str(bad.secret), repr(bad.secret), good.secret) == ("cannot be decrypted", "cannot be decrypted", "good")
    assert (is_readable(bad.secret), is_readable(good.secret)) == (False, True)
    uses = [lambda s: s.encode(), lambda s: f"{s}", lambda s: s + "x", lambda s: "x" + s]
    for use in uses:
        with pytest.raises(CannotDecrypt, match="FERNET_KEYS"):
            use(bad.secret)


def test_saving_a_bad_row_leaves_its_ciphertext_alone(row: Subscription) -> None:
    token = raw(row)[:-4] + b"AAA="
    put_raw(row, token)
    bad = Subscription.objects.get(pk=row.pk)
    assert isinstance(bad.secret, Undecryptable)
    bad.topic = "changed"
    bad.clean_fields(exclude={field.name for field in Subscription._meta.fields} - {"secret"})
    bad.save()
    Subscription.objects.bulk_update([bad], ["secret"])
    assert raw(row) == token
    assert Subscription.objects.get(pk=row.pk).topic == "changed"


def test_dumpdata_writes_ciphertext_and_loaddata_reads_it(row: Subscription) -> None:
    for form in ("json", "xml", "jsonl"):
        dumped = serializers.serialize(form, [row])
        assert CANARY not in dumped
        assert "encrypted:gAAAA" in dumped
        Subscription.objects.filter(pk=row.pk).update(secret="other")
        for loaded in serializers.deserialize(form, dumped):
            loaded.save()
        assert read(row) == CANARY
    out = StringIO()
    call_command("dumpdata", "flows.Subscription", stdout=out)
    assert CANARY not in out.getvalue()


def test_the_text_hides_from_tracebacks(row: Subscription) -> None:
    secret = read(row)
    assert repr(secret) == "'***'"
    assert repr({"secret": secret}) == "{'secret': '***'}"
    try:
        raise KeyError(secret)
    except KeyError:
        assert CANARY not in traceback.format_exc()


@pytest.mark.parametrize("keys", [[], [""], None], ids=["none", "empty", "unset"])
def test_never_falls_back_to_the_secret_key(row: Subscription, keys: Any) -> None:
    with override_settings(FERNET_KEYS=keys):
        with pytest.raises(ImproperlyConfigured, match="FERNET_KEYS"):
            read(row)
        with pytest.raises(ImproperlyConfigured, match="FERNET_KEYS"), transaction.atomic():
            Subscription.objects.filter(pk=row.pk).update(secret="x")
    assert read(row) == CANARY


def test_keys_rotate_by_being_listed(row: Subscription) -> None:
    with override_settings(FERNET_KEYS=["new", "only-for-tests-1"]):
        assert read(row) == CANARY
        Subscription.objects.filter(pk=row.pk).update(secret=CANARY)
    with override_settings(FERNET_KEYS=["new"]):
        assert read(row) == CANARY
    assert str(read(row)) == "cannot be decrypted"
