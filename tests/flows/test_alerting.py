"""Telling of alerts: to the right places, once for each cause, signed, with patience, and never into our own network."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from smtplib import SMTPServerDisconnected
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.utils import timezone

from audit.alerts import close_alert, open_alert
from audit.models import Alert
from credentials.models import Organization
from flows.alerting import delivering
from flows.alerting.delivering import deliver_due, forget_contents, forget_old, send_again, send_test, tell_alerts
from flows.alerting.planning import CONTACTS, plan_deliveries
from flows.models import AlertDelivery, AlertTarget
from tests import factories as make

SECRET = "a-signing-secret-of-tests"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Receiver:
    """What arrived at a web address of this machine, and what it answers."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    words: bytes = b"thanks"
    silent: bool = False
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    @property
    def bodies(self) -> list[Any]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            if made.silent:
                self.connection.close()
                return
            self.send_response(made.status)
            for name, value in made.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(made.words)))
            self.end_headers()
            self.wfile.write(made.words)

        def log_message(self, *_: Any) -> None:
            return None

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except (OSError, ValueError):
                self.close_connection = True

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}/hooks/path-canary-0123456789"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield made
    server.shutdown()
    server.server_close()


@pytest.fixture
def organization(db: None) -> Organization:
    return make.OrganizationFactory(name="Acme", contacts="books@acme.example")


def target(organization: Organization, receiver: Receiver, **fields: Any) -> AlertTarget:
    known = {"kind": "webhook", "address": receiver.url, "secret": SECRET, "since": LONG_AGO}
    return make.AlertTargetFactory(organization=organization, **{**known, **fields})


def only(organization: Organization) -> None:
    """Without the mail to the contacts."""
    AlertTarget.objects.create(organization=organization, label=CONTACTS, kind="email", since=LONG_AGO, enabled=False)


def later(seconds: float = 90000) -> None:
    AlertDelivery.objects.filter(state="waiting").update(next_at=timezone.now() - timedelta(seconds=1))


def test_a_signed_webhook_once_for_each_cause(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    hook = target(organization, receiver)
    open_alert(organization.pk, "reauthorise:4", "The shop refuses our keys.", "error", 4)
    for _ in range(3):
        tell_alerts()
        open_alert(organization.pk, "reauthorise:4", "The shop still refuses our keys.", "error", 4)
    [(headers, body)] = receiver.got
    alert = Alert.objects.get()
    assert headers["idempotency-key"] == f"alert-{alert.pk}-opened-{hook.pk}"
    at = headers["tillbridge-timestamp"]
    assert abs(time.time() - int(at)) < 60
    wanted = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert headers["tillbridge-signature"] == f"v1={wanted}"
    told = json.loads(body)
    assert (told["id"], told["event"], told["organization"]["name"]) == (headers["idempotency-key"], "alert.opened", "Acme")
    assert (told["alert"]["severity"], told["alert"]["message"]) == ("error", "The shop refuses our keys.")
    assert told["alert"]["url"].endswith(f"/admin/audit/alert/{alert.pk}/change/")
    close_alert(organization.pk, "reauthorise:4")
    open_alert(organization.pk, "reauthorise:4", "Again.", "error", 4)
    tell_alerts()
    assert [told["alert"]["message"] for told in receiver.bodies] == ["The shop refuses our keys.", "Again."]


def test_the_end_is_told_once_if_wanted(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver, tell_end=True)
    open_alert(organization.pk, "c", "It is down.", "error")
    tell_alerts()
    close_alert(organization.pk, "c")
    for _ in range(3):
        tell_alerts()
    assert [(told["event"], told["subject"]) for told in receiver.bodies] == [
        ("alert.opened", "Tillbridge: It is down."),
        ("alert.ended", "Tillbridge: Ended: It is down."),
    ]
    assert receiver.bodies[1]["alert"]["closed_at"]


def test_slack_reads_a_text(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver, kind="slack", secret="")
    open_alert(organization.pk, "c", "It is down.", "error")
    tell_alerts()
    [(headers, body)] = receiver.got
    assert set(json.loads(body)) == {"text"}
    assert json.loads(body)["text"].startswith("*Tillbridge: It is down.*\nIt is down.\n")
    assert "tillbridge-signature" not in headers


def test_slack_takes_nothing_of_an_alert_for_a_link_or_a_call_to_everybody(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver, kind="slack", secret="")
    open_alert(organization.pk, "c", 'SKU "<!channel> <https://evil.example|A & B>" has no item.', "error")
    tell_alerts()
    [told] = receiver.bodies
    assert 'SKU "&lt;!channel&gt; &lt;https://evil.example|A &amp; B&gt;" has no item.' in told["text"]
    assert "<" not in told["text"]


def test_a_target_that_drips_does_not_hold_the_others_up(
    organization: Organization, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    only(organization)
    slow, quick = target(organization, receiver), target(organization, receiver)
    for number in range(3):
        open_alert(organization.pk, f"c{number}", f"Number {number}.", "error")
    clock = [0.0]
    monkeypatch.setattr(delivering, "monotonic", lambda: clock[0])
    really = delivering.send

    def dripping(told: AlertTarget, *rest: Any) -> Any:
        clock[0] += 60.0 if told.pk == slow.pk else 0.1
        return really(told, *rest)

    monkeypatch.setattr(delivering, "send", dripping)
    tell_alerts()
    sent = AlertDelivery.objects.filter(state="sent")
    assert (sent.filter(target=slow).count(), sent.filter(target=quick).count()) == (1, 3)
    tell_alerts()
    tell_alerts()
    assert sent.filter(target=slow).count() == 3
    assert len(receiver.got) == 6


def test_contacts_are_mailed_without_anybody_setting_it_up(organization: Organization) -> None:
    open_alert(organization.pk, "a", "Line one\nBcc: x@evil.example", "error")
    open_alert(organization.pk, "b", "Closed before it was mailed", "error")
    close_alert(organization.pk, "b")
    for _ in range(3):
        tell_alerts()
    [message] = mail.outbox
    assert (message.to, message.subject) == (["books@acme.example"], "Tillbridge: Line one Bcc: x@evil.example")
    assert "Seen once since" in message.body
    assert AlertTarget.objects.get().label == CONTACTS


def test_what_was_opened_before_a_target_is_not_told(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    open_alert(organization.pk, "c", "Old.", "error")
    target(organization, receiver, since=timezone.now())
    tell_alerts()
    assert receiver.got == []


def test_severities_go_their_own_ways(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver, errors="now", warnings="off")
    open_alert(organization.pk, "w", "A warning.", "warning")
    open_alert(organization.pk, "e", "An error.", "error")
    open_alert(make.OrganizationFactory().pk, "e", "Of somebody else.", "error")
    tell_alerts()
    assert [told["alert"]["message"] for told in receiver.bodies] == ["An error."]
    open_alert(organization.pk, "w", "It got worse.", "error")
    tell_alerts()
    assert [told["alert"]["message"] for told in receiver.bodies] == ["An error.", "It got worse."]


def test_the_digest_comes_once_a_day_and_only_with_something_to_tell(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver, errors="daily", warnings="daily", digest_hour=7, since=datetime(2026, 11, 1, tzinfo=UTC))
    open_alert(organization.pk, "w", "Still open.", "warning")
    open_alert(organization.pk, "e", "Ended meanwhile.", "error")
    close_alert(organization.pk, "e")
    day = timezone.now().replace(hour=6, minute=59)
    assert plan_deliveries(day) == 0
    assert plan_deliveries(day.replace(hour=7, minute=0)) == 1
    assert plan_deliveries(day.replace(hour=7, minute=1)) == 0
    later()
    deliver_due(timezone.now())
    [told] = receiver.bodies
    assert (told["event"], told["subject"]) == ("alert.digest", "Tillbridge: 1 open alert, 1 ended")
    assert [alert["message"] for alert in told["open"] + told["ended"]] == ["Still open.", "Ended meanwhile."]
    assert plan_deliveries(day.replace(hour=8) + timedelta(days=1)) == 1  # it is still open
    Alert.objects.update(closed_at=LONG_AGO)
    assert plan_deliveries(day.replace(hour=8) + timedelta(days=2)) == 0


def test_a_target_that_is_down_loses_nothing_and_gets_each_once(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    hook = target(organization, receiver)
    receiver.status, receiver.words = 503, b"try later"
    for n in range(3):
        open_alert(organization.pk, f"c{n}", f"Cause {n}.", "error")
    for _ in range(4):
        tell_alerts()
        later()
    assert len(receiver.got) == 4  # one try each time: the others wait behind it
    assert len({body for _, body in receiver.got}) == 1
    trouble = Alert.objects.get(cause=f"alert-target:{hook.pk}")
    assert trouble.message.startswith(f'Alerts do not reach "{hook}": It answered 503. try later')
    receiver.status, receiver.got[:] = 200, []
    tell_alerts()
    tell_alerts()
    assert sorted(told["alert"]["message"] for told in receiver.bodies) == ["Cause 0.", "Cause 1.", "Cause 2."]
    trouble.refresh_from_db()
    assert trouble.closed_at is not None
    assert set(AlertDelivery.objects.values_list("state", flat=True)) == {"sent"}


def test_a_try_is_not_repeated_before_its_time(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver)
    receiver.status, receiver.headers = 429, {"Retry-After": "3600"}
    open_alert(organization.pk, "c", "m", "error")
    tell_alerts()
    tell_alerts()
    assert len(receiver.got) == 1
    assert AlertDelivery.objects.get().next_at > timezone.now() + timedelta(minutes=59)


def test_after_three_days_it_is_given_up_and_can_be_asked_for_again(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    hook = target(organization, receiver)
    receiver.status = 500
    open_alert(organization.pk, "c", "m", "error")
    for _ in range(14):
        tell_alerts()
        later()
    delivery = AlertDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("failed", 12)
    receiver.status = 200
    assert send_again(hook, "ada").sentence == "1 message will be sent within a minute."
    tell_alerts()
    assert AlertDelivery.objects.get().state == "sent"


@pytest.mark.parametrize(("kind", "state", "again"), [("webhook", "waiting", 2), ("slack", "unclear", 1)])
def test_a_lost_answer_is_repeated_only_where_its_key_tells(
    organization: Organization, receiver: Receiver, kind: str, state: str, again: int
) -> None:
    only(organization)
    target(organization, receiver, kind=kind)
    receiver.silent = True
    open_alert(organization.pk, "c", "m", "error")
    tell_alerts()
    assert AlertDelivery.objects.get().state == state
    later()
    tell_alerts()
    assert len(receiver.got) == again
    assert len({headers["idempotency-key"] for headers, _ in receiver.got}) == 1


@pytest.mark.parametrize(("kind", "state"), [("webhook", "sent"), ("slack", "unclear"), ("email", "unclear")])
def test_a_crash_while_sending(organization: Organization, receiver: Receiver, kind: str, state: str) -> None:
    only(organization)
    target(organization, receiver, kind=kind)
    open_alert(organization.pk, "c", "m", "error")
    plan_deliveries(timezone.now())
    AlertDelivery.objects.update(state="sending", attempts=1)
    tell_alerts()
    assert AlertDelivery.objects.get().state == state
    assert len(receiver.got) == (1 if kind == "webhook" else 0)
    assert mail.outbox == []


def test_a_mail_server_that_is_away_delays_the_mail(organization: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    open_alert(organization.pk, "a", "m", "error")

    def refuse(_self: EmailBackend) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "open", refuse)
        tell_alerts()
    assert AlertDelivery.objects.get().answer == "The mail server cannot be reached (ConnectionRefusedError)."
    later()
    tell_alerts()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize("problem", [TimeoutError(), SMTPServerDisconnected("Connection unexpectedly closed: timed out")], ids=repr)
def test_an_unclear_answer_of_the_mail_server_is_not_mailed_again(
    organization: Organization, monkeypatch: pytest.MonkeyPatch, problem: OSError
) -> None:
    open_alert(organization.pk, "a", "m", "error")
    tries = []

    def lost(_self: EmailBackend, messages: list[object]) -> int:
        tries.append(len(messages))
        raise problem

    monkeypatch.setattr(EmailBackend, "send_messages", lost)
    for _ in range(3):
        tell_alerts()
        later()
    assert tries == [1]
    assert AlertDelivery.objects.get().state == "unclear"


@pytest.mark.parametrize("host", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "[::1]"])
def test_our_own_network_is_not_called(organization: Organization, receiver: Receiver, settings: Any, host: str) -> None:
    settings.ALLOW_PRIVATE_STORES = False
    hook = target(organization, receiver, address=receiver.url.replace("127.0.0.1", host))
    said = send_test(hook, "ada")
    assert not said.ok
    assert "The address was not called" in said.sentence
    assert "connection" not in said.sentence
    assert "shop" not in said.sentence
    assert receiver.got == []


def test_redirects_are_not_followed(organization: Organization, receiver: Receiver) -> None:
    receiver.status, receiver.headers = 302, {"Location": receiver.url + "2"}
    said = send_test(target(organization, receiver), "ada")
    assert "sends us on to another address" in said.sentence
    assert len(receiver.got) == 1


def test_the_test_really_sends_and_shows_the_answer(organization: Organization, receiver: Receiver) -> None:
    hook = target(organization, receiver)
    receiver.words = f"got it at {receiver.url}".encode()
    said = send_test(hook, "ada")
    assert said.ok
    assert said.sentence.startswith(f"{hook}: It answered 200. got it at")
    assert "path-canary" not in said.sentence
    assert receiver.bodies[0]["event"] == "alert.test"
    assert "ada pressed the test button" in receiver.bodies[0]["text"]
    tell_alerts()
    assert len(receiver.got) == 1


def test_a_stored_address_that_cannot_be_read_is_told(organization: Organization, receiver: Receiver, settings: Any) -> None:
    hook = target(organization, receiver)
    settings.FERNET_KEYS = ["another-key"]
    hook = AlertTarget.objects.select_related("organization").get(pk=hook.pk)
    assert send_test(hook, "ada").sentence.endswith("cannot be decrypted. Enter it again.")
    assert receiver.got == []


def test_a_persons_data_is_blanked_in_what_was_told_too(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    target(organization, receiver)
    other = make.OrganizationFactory()
    for place in (organization, other):
        open_alert(place.pk, "c", "Ada Lovelace has no address.", "error")
    target(other, receiver)
    tell_alerts()
    digest = make.AlertDeliveryFactory(target=AlertTarget.objects.get(organization=organization, kind="webhook"), content={"text": "Ada"})
    receiver.got.clear()
    assert forget_contents(Alert.objects.filter(organization_id=organization.pk)) == 2
    digest.refresh_from_db()
    assert digest.content == {}
    assert [
        row.target.organization_id for row in AlertDelivery.objects.exclude(content={}).filter(kind="opened", target__kind="webhook")
    ] == [other.pk]
    tell_alerts()
    assert receiver.got == []


def test_old_rows_go_but_not_what_keeps_an_open_alert_from_being_told_twice(organization: Organization, receiver: Receiver) -> None:
    only(organization)
    hook = target(organization, receiver)
    for cause in ("open", "closed"):
        open_alert(organization.pk, cause, cause, "error")
    tell_alerts()
    send_test(hook, "ada")
    AlertDelivery.objects.update(created_at=LONG_AGO)
    Alert.objects.filter(cause="closed").update(closed_at=LONG_AGO)
    assert forget_old(timezone.now() - timedelta(days=90)) == 2
    tell_alerts()
    assert len(receiver.got) == 3
