"""Alerts: once, counted, closed, mailed once."""

from __future__ import annotations

import threading

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection

from audit.alerts import close_alert, mail_alerts, open_alert
from audit.models import Alert

CONTACTS = {1: ["books@one.example"], 2: []}


def contacts(organization_id: int) -> list[str]:
    return CONTACTS[organization_id]


@pytest.mark.django_db
def test_a_cause_has_one_open_alert_that_counts() -> None:
    assert open_alert(1, "down:4", "The shop is down.", "warning", connection_id=4)
    assert not open_alert(1, "down:4", "The shop is still down.", "error", connection_id=4)
    assert open_alert(2, "down:4", "Another organization.", "error")
    alert = Alert.objects.get(organization_id=1)
    assert (alert.count, alert.message, alert.severity, alert.connection_id) == (2, "The shop is still down.", "error", 4)
    assert alert.seen_at > alert.opened_at
    assert alert.opened_at.tzinfo is not None


@pytest.mark.django_db
def test_closing_and_opening_again() -> None:
    open_alert(1, "c", "m", "error")
    assert close_alert(1, "c")
    assert not close_alert(1, "c")
    assert open_alert(1, "c", "m", "error")
    assert Alert.objects.filter(cause="c").count() == 2
    assert Alert.objects.get(cause="c", closed_at=None).count == 1


@pytest.mark.django_db
def test_mailed_once_to_the_contacts() -> None:
    open_alert(1, "a", "Line one\nBcc: x@evil.example", "error")
    open_alert(2, "a", "Nobody to tell", "error")
    open_alert(1, "b", "Closed before it was mailed", "error")
    close_alert(1, "b")
    assert mail_alerts(contacts) == 1
    assert mail_alerts(contacts) == 0
    open_alert(1, "a", "again", "error")
    assert mail_alerts(contacts) == 0
    assert [(m.to, m.subject) for m in mail.outbox] == [(["books@one.example"], "Tillbridge: Line one Bcc: x@evil.example")]
    assert Alert.objects.get(organization_id=2).mailed_at is None


@pytest.mark.django_db
def test_a_mail_server_that_is_away_delays_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    open_alert(1, "a", "m", "error")

    def refuse(_self: EmailBackend) -> None:
        raise ConnectionRefusedError

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "open", refuse)
        assert mail_alerts(contacts) == 0
    assert Alert.objects.get().mailed_at is None
    assert mail_alerts(contacts) == 1


@pytest.mark.django_db
def test_an_unclear_answer_of_the_mail_server_is_not_mailed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    open_alert(1, "a", "m", "error")
    tries = []

    def lost(_self: EmailBackend, messages: list[object]) -> int:
        tries.append(len(messages))
        raise TimeoutError

    monkeypatch.setattr(EmailBackend, "send_messages", lost)
    assert [mail_alerts(contacts) for _ in range(3)] == [0, 0, 0]
    assert tries == [1]


@pytest.mark.django_db(transaction=True)
def test_eight_threads_open_one_alert() -> None:
    def see() -> None:
        for _ in range(5):
            opened.append(open_alert(1, "same", "m", "error"))
        connection.close()

    opened: list[bool] = []
    threads = [threading.Thread(target=see) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(opened) == [False] * 39 + [True]
    assert Alert.objects.get().count == 40
