"""Records: what is stored, what never is."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DataError, connection, transaction
from django.test.utils import CaptureQueriesContext

from audit.digests import digest_of
from audit.models import Alert, AuditRecord
from audit.plain_rows import Change, update, update_with
from audit.redaction import LARGEST, MASK, redact, redact_text, remember
from audit.services import AuditEntry, write, write_many, write_with

pytestmark = pytest.mark.django_db


def test_write_stores_every_field() -> None:
    at = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
    record = write(
        actor="ada",
        action="load",
        outcome="done",
        organization_id=3,
        connection=SimpleNamespace(pk=7, label="Shop"),
        flow_id=4,
        job_id=5,
        event_id=6,
        object_type="order",
        source_id="727",
        target_id="99",
        message="Invoice 727 created.",
        mapping={"number": "order.number"},
        duration_ms=12,
        evidence={"status": 200, "amount": Decimal("1.10"), "rate": 0.5, "body": b"{}", "at": at},
        at=at,
    )
    stored = AuditRecord.objects.get(pk=record.pk)
    assert (stored.organization_id, stored.connection_id, stored.connection_label) == (3, 7, "Shop")
    assert (stored.flow_id, stored.job_id, stored.event_id) == (4, 5, 6)
    assert (stored.actor, stored.action, stored.outcome, stored.object_type) == ("ada", "load", "done", "order")
    assert (stored.source_id, stored.target_id, stored.message) == ("727", "99", "Invoice 727 created.")
    assert (stored.mapping, stored.duration_ms, stored.at) == ({"number": "order.number"}, 12, at)
    assert stored.evidence == {"status": 200, "amount": "1.10", "rate": "0.5", "body": "{}", "at": at.isoformat()}
    assert stored.evidence_digest == digest_of(stored.evidence)
    assert stored.seal_id is None


def test_many_records_are_one_insert() -> None:
    entries = [AuditEntry(actor="worker", action="load", outcome="done", source_id=str(n)) for n in range(20)]
    with CaptureQueriesContext(
        connection,
    ) as queries:
        write_many(entries)
    assert sum("INSERT" in query["sql"] for query in queries) == 1
    assert AuditRecord.objects.count() == 20


LONG_AGO = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def alert(cause: str) -> Alert:
    return Alert.objects.create(organization_id=1, cause=cause, message="m", severity="warning", opened_at=LONG_AGO, seen_at=LONG_AGO)


def told(found: AuditRecord) -> dict[str, Any]:
    return {name: value for name, value in vars(found).items() if name not in ("id", "_state")}


def test_a_change_and_its_record_are_made_together_or_not_at_all() -> None:
    first, other = alert("a"), alert("b")
    fields: dict[str, Any] = {
        "actor": "ada", "action": "load", "outcome": "done", "organization_id": 3, "job_id": 5, "source_id": "727", "duration_ms": 12,
        "at": LONG_AGO,
        "mapping": {"n": [1, None, "ö"]}, "evidence": {"status": 200, "text": "it's \\ 100 %", "none": None}, "message": "Line\nbreak",
    }  # fmt: skip
    entry = AuditEntry(**fields, connection=SimpleNamespace(pk=7, label="Shop"))
    assert write_with(Change(Alert, {"id": first.pk, "cause": "a"}, {"message": "changed"}), entry)
    assert sorted(Alert.objects.values_list("cause", "message")) == [("a", "changed"), ("b", "m")]
    (together,) = AuditRecord.objects.all()
    assert told(together) == told(AuditRecord.objects.get(pk=write_many([entry])[0].pk))
    before = AuditRecord.objects.count()
    assert not write_with(Change(Alert, {"id": other.pk}, {"message": "changed"}, "%s = %s", (1, 2)), entry)
    assert not write_with(Change(Alert, {"id": other.pk, "cause": "nobody's"}, {"message": "changed"}), entry)
    assert (AuditRecord.objects.count(), Alert.objects.get(pk=other.pk).message) == (before, "m")


def test_several_changed_rows_are_one_record() -> None:
    for cause in ("a", "b", "c"):
        alert(cause)
    assert write_with(Change(Alert, {"organization_id": 1}, {"message": "all"}), AuditEntry(actor="ada", action="x", outcome="done"))
    assert (AuditRecord.objects.count(), Alert.objects.filter(message="all").count()) == (1, 3)
    assert update(Change(Alert, {"organization_id": 2}, {"message": "none"})) == 0


def test_a_record_that_does_not_fit_is_refused_and_not_cut() -> None:
    if connection.vendor != "postgresql":
        pytest.skip("SQLite knows no lengths")
    row = AuditRecord(at=datetime.now(UTC), actor="a" * 151, action="x", outcome="done", mapping={}, evidence={}, evidence_digest="")
    change = Change(Alert, {"id": alert("a").pk}, {"message": "changed"})
    with pytest.raises(DataError), transaction.atomic():
        update_with(change, row)
    assert Alert.objects.get().message == "m"


@pytest.mark.parametrize(
    ("evidence", "kept"),
    [
        ({"Authorization": "Basic abcdefgh"}, {"Authorization": MASK}),
        ({"a": {"refresh_token": "r"}}, {"a": {"refresh_token": MASK}}),
        ({"client_secret": ""}, {"client_secret": ""}),
        ({"code": "woocommerce_rest_cannot_view"}, {"code": "woocommerce_rest_cannot_view"}),
        ({"code": "ab" * 32}, {"code": MASK}),
        ({"body": '{"access_token":"s3cr3t","x":1}'}, {"body": '{"access_token":"***","x":1}'}),
        ({"body": r'{"s":"{\"client_secret\":\"s3cr3t\"}"}'}, {"body": r'{"s":"{\"client_secret\":\"***\"}"}'}),
        ({"body": "grant_type=refresh_token&client_secret=s3cr3t&refresh_token=abc"}, None),
        ({"url": "https://shop.example/x?consumer_key=ck_1&consumer_secret=cs_2&page=1"}, None),
        ({"url": "https://user:pass@shop.example/x"}, {"url": "https://***@shop.example/x"}),
        ({"note": "key ck_" + "0a" * 20 + " was used"}, {"note": "key *** was used"}),
        ({"note": "Bearer abcdef.ghij-kl"}, {"note": "Bearer ***"}),
        ({"note": "eyJhbGciOiJI.eyJzdWIiOiIx.c2ln"}, {"note": "***"}),
    ],
)
def test_secrets_do_not_stay(evidence: dict[str, object], kept: dict[str, object] | None) -> None:
    found = redact(evidence)
    text = str(found)
    if kept is not None:
        assert found == kept
    for canary in ("s3cr3t", "refresh_token=abc", "consumer_key=ck_1", "cs_2", "pass@"):
        assert canary not in text


def test_a_remembered_secret_is_blanked_in_every_form() -> None:
    secret = "p/ssw+rd canary 4711"
    remember("test place", secret)
    encoded = base64.b64encode(secret.encode()).decode()
    assert redact_text(f"a {secret} b {encoded} c p%2Fssw%2Brd%20canary%204711") == f"a {MASK} b {MASK}".replace(
        f"b {MASK}", f"b {MASK}{'=' * encoded.count('=')} c {MASK}"
    )


def test_only_the_last_two_values_of_a_place_are_remembered() -> None:
    for value in ("rotated-one-1", "rotated-two-2", "rotated-three-3"):
        remember("rotating place", value)
    assert redact_text("rotated-one-1 rotated-two-2 rotated-three-3") == f"rotated-one-1 {MASK} {MASK}"


def test_hostile_text_is_stored_and_digested_alike() -> None:
    record = write(actor="a\x00b" * 100, action="x", outcome="noted", message="\ud800 \x00", evidence={"k\x00": ["\udfff\x00", 10**30]})
    stored = AuditRecord.objects.get(pk=record.pk)
    assert stored.evidence == {"k\\x00": ["\\udfff\\x00", str(10**30)]}
    assert stored.message == "\\ud800 \\x00"
    assert stored.evidence_digest == digest_of(stored.evidence)
    assert len(stored.actor) == 150


def test_evidence_is_bounded() -> None:
    many = redact({str(n): "x" * 3000 for n in range(100)})
    assert set(many) == {"truncated", "beginning"}
    one = redact({"body": "y" * 10_000_000})
    assert len(one["body"]) < 4100
    assert one["body"].endswith("... (10000000 characters)")
    deep: list[object] = []
    for _ in range(200):
        deep = [deep]
    assert len(str(redact(deep))) < LARGEST


def test_a_secret_at_the_cut_does_not_stay_as_a_half() -> None:
    remember("cut place", "canary-" + "q" * 500)
    for length in range(15_400, 16_100, 7):
        assert "canary-q" not in redact_text("z" * length + "canary-" + "q" * 500 + "tail" * 100)
