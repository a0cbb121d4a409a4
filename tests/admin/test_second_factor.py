"""The second factor by real logins: nothing is reachable before it, it counts once, and recovery codes stand in for it."""

from __future__ import annotations

import base64
import re
from datetime import timedelta

import pytest
import time_machine
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import TOTP

from audit.models import AuditRecord
from credentials.models import Authenticator, RecoveryCode
from credentials.people.middleware import OPEN
from credentials.people.second_factor import begin, confirm
from tests import factories as make
from tests.admin.console_world import World
from tests.admin.test_console_pages import assert_clean
from tests.walking import every_address

LOGIN, SET_UP, GIVE = reverse("admin:login"), reverse("account:set-up-second-factor"), reverse("account:give-code")
HOME, OWN = reverse("admin:index"), reverse("account:own")


def log_in(name: str, password: str = make.PASSWORD, **options: str) -> Client:
    client = Client()
    client.post(LOGIN, {"username": name, "password": password}, **options)
    return client


def code_of(user: User, steps: int = 0) -> str:
    """What the phone shows so many half minutes from now."""
    row = Authenticator.objects.filter(user=user).latest("pk")
    app = TOTP(base64.b32decode(str(row.key)), drift=steps)
    return f"{app.token():06d}"


def with_factor(user: User) -> list[str]:
    begin(user)
    codes = confirm(user, code_of(user, -1))
    assert codes is not None
    return codes


@pytest.fixture
def required(world: World) -> World:
    organization = world.rows["organization"]
    organization.require_second_factor = True
    organization.save()
    return world


def assert_shut(client: Client, to: str) -> None:
    """Each address of the installation, read and written to, leads to one page."""
    tried = 0
    for name, path in every_address():
        if name in OPEN:
            continue
        for answer in (client.get(path), client.post(path, {"post": "yes", "_save": "1"})):
            assert answer.status_code == 302, (name, path, answer.status_code)
            assert answer.headers["Location"].split("?")[0] == to, (name, path)
        tried += 1
    assert tried > 150


def test_without_the_required_factor_no_page_is_reachable(required: World) -> None:
    client = log_in("owner")
    before = AuditRecord.objects.count()
    assert_shut(client, SET_UP)
    assert AuditRecord.objects.count() == before
    assert client.get("/admin/nowhere/").headers["Location"].startswith(SET_UP)
    assert_clean(client, SET_UP)
    page = client.get(SET_UP).content.decode()
    assert "Your organization asks for a second factor." in page
    assert "data:image/svg+xml;base64," in page
    assert OWN not in page  # the frame offers nothing but the way out
    assert reverse("admin:logout") in page


def test_setting_it_up_opens_the_console_and_shows_the_codes_once(required: World) -> None:
    client, owner = log_in("owner"), required.people["owner"]
    key = re.search(r'class="key">([A-Z2-7 ]+)<', client.get(SET_UP).content.decode())
    assert key is not None
    assert key[1].replace(" ", "") == str(Authenticator.objects.get(user=owner).key)
    refused = client.post(SET_UP, {"code": "000000"})
    assert "That is not the code that the app shows now." in refused.content.decode()
    assert client.get(HOME).status_code == 302
    answer = client.post(SET_UP, {"code": code_of(owner)})
    codes = re.findall(r"<code>((?:[A-Z2-7]{4}-){3}[A-Z2-7]{4})</code>", answer.content.decode())
    assert len(set(codes)) == 10
    assert answer.headers["Cache-Control"].startswith("no-store")
    assert client.get(HOME).status_code == 200
    assert "10 recovery codes left" in client.get(OWN).content.decode()
    assert codes[0] not in client.get(OWN).content.decode()
    assert AuditRecord.objects.get(action="set up second factor").actor == "owner"


def test_a_password_alone_opens_nothing_once_there_is_a_factor(world: World) -> None:
    """Nobody requires it here: the person has set it up."""
    with_factor(world.people["bookkeeper"])
    client = log_in("bookkeeper")
    assert_shut(client, GIVE)
    assert client.get(SET_UP).headers["Location"] == OWN  # which is shut: no second phone without the first
    assert_clean(client, GIVE)
    assert client.post(GIVE, {"code": "000000"}).status_code == 200
    assert client.get(HOME).status_code == 302
    assert (
        client.post(GIVE, {"code": code_of(world.people["bookkeeper"]), "next": "/admin/flows/flow/"}).headers["Location"]
        == "/admin/flows/flow/"
    )
    assert client.get(HOME).status_code == 200


def test_nobody_is_led_elsewhere(world: World) -> None:
    with_factor(world.people["owner"])
    client = log_in("owner")
    answer = client.post(GIVE, {"code": code_of(world.people["owner"]), "next": "https://evil.example/"})
    assert answer.headers["Location"] == "/admin/"


def test_a_code_counts_once(world: World) -> None:
    with_factor(world.people["owner"])
    code = code_of(world.people["owner"])
    first, second = log_in("owner"), log_in("owner")
    assert first.post(GIVE, {"code": code}).status_code == 302
    assert second.post(GIVE, {"code": code}).status_code == 200
    assert second.get(HOME).status_code == 302
    assert second.post(GIVE, {"code": code_of(world.people["owner"], 1)}).status_code == 302


def test_a_recovery_code_counts_once_and_only_for_its_person(world: World) -> None:
    codes = with_factor(world.people["owner"])
    with_factor(world.people["support"])
    assert RecoveryCode.objects.filter(user=world.people["owner"]).count() == 10
    assert not any(row.digest in codes for row in RecoveryCode.objects.all())
    other = log_in("support")
    assert other.post(GIVE, {"code": codes[0]}).status_code == 200
    client = log_in("owner")
    assert client.post(GIVE, {"code": codes[0].lower()}).status_code == 302
    assert RecoveryCode.objects.filter(user=world.people["owner"]).count() == 9
    again = log_in("owner")
    assert again.post(GIVE, {"code": codes[0]}).status_code == 200
    assert "9 are left" in AuditRecord.objects.get(action="use recovery code").message


def test_codes_cannot_be_guessed_on_and_on(world: World) -> None:
    with_factor(world.people["owner"])
    client = log_in("owner")
    for _ in range(5):
        assert "was used already" in client.post(GIVE, {"code": "000000"}).content.decode()
    right = client.post(GIVE, {"code": code_of(world.people["owner"])}).content.decode()
    assert "There were too many tries. Try again in " in right
    assert client.get(HOME).status_code == 302
    with time_machine.travel(timezone.now() + timedelta(seconds=70)):
        assert client.post(GIVE, {"code": code_of(world.people["owner"])}).status_code == 302
    failed = AuditRecord.objects.filter(action="give second factor", outcome="failed", actor="owner")
    assert failed.count() == 5


def test_removing_it_takes_a_code(world: World) -> None:
    with_factor(world.people["owner"])
    client, page = log_in("owner"), reverse("account:remove-second-factor")
    client.post(GIVE, {"code": code_of(world.people["owner"])})
    assert client.post(page, {"code": "000000"}).status_code == 200
    assert Authenticator.objects.filter(user=world.people["owner"]).exists()
    assert client.post(page, {"code": code_of(world.people["owner"], 1)}).headers["Location"] == OWN
    assert not Authenticator.objects.filter(user=world.people["owner"]).exists()
    assert not RecoveryCode.objects.filter(user=world.people["owner"]).exists()
    assert AuditRecord.objects.filter(action="remove second factor", actor="owner").count() == 1


def test_new_codes_void_the_old(world: World) -> None:
    old = with_factor(world.people["owner"])
    client = log_in("owner")
    client.post(GIVE, {"code": code_of(world.people["owner"])})
    answer = client.post(reverse("account:new-codes"), {"code": code_of(world.people["owner"], 1)}).content.decode()
    assert len(re.findall(r"<code>[A-Z2-7-]{19}</code>", answer)) == 10
    assert RecoveryCode.objects.filter(user=world.people["owner"]).count() == 10
    assert log_in("owner").post(GIVE, {"code": old[0]}).status_code == 200


def test_a_session_from_before_the_factor_is_asked_for_it(world: World) -> None:
    client = log_in("owner")
    assert client.get(HOME).status_code == 200
    with_factor(world.people["owner"])
    assert client.get(HOME).headers["Location"].startswith(GIVE)


def test_what_one_organization_requires_counts_for_superusers_too(required: World) -> None:
    assert log_in("root").get(HOME).headers["Location"].startswith(SET_UP)
    assert log_in("neighbour").get(HOME).status_code == 200


def test_the_key_is_not_readable_in_the_database(world: World) -> None:
    row = begin(world.people["owner"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT key FROM credentials_authenticator WHERE id = %s", [row.pk])
        stored = bytes(cursor.fetchone()[0])
    assert stored.startswith(b"gAAAA")
    assert str(row.key).encode() not in stored


def test_requests_without_a_session_pass(required: World) -> None:
    assert settings.SESSION_COOKIE_NAME not in Client().cookies
    assert Client().get("/healthz").status_code == 200
    assert Client().get(HOME).headers["Location"].startswith(LOGIN)
