"""People come and go: invitations, roles, logins that are counted, passwords, sessions, tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditRecord
from credentials.models import ApiToken, Invitation, Membership, Organization, RateBucket, SignIn
from credentials.people.attempts import _key
from credentials.people.members import roles_of
from credentials.people.tokens import NoEntry, recognise
from flows.models import PeriodicLease
from flows.upkeep import prune_old
from tests import factories as make
from tests.admin.console_world import World, address
from tests.admin.test_console_pages import assert_clean
from tests.admin.test_second_factor import HOME, LOGIN, OWN, log_in, with_factor

NEW = "a quite new pass phrase"
INVITE = reverse("admin:credentials_invitation_add")


def invite(world: World, email: str = "Anna@Example.com", roles: tuple[str, ...] = ("viewer",), who: str = "owner") -> Any:
    posted = {"organization": world.rows["organization"].pk, "email": email, "roles": list(roles)}
    return world.client(who).post(INVITE, posted)


def link_in_mail() -> str:
    found = re.search(r"http://\S+?(/account/\S+)", mail.outbox[-1].body)
    assert found is not None
    return found[1]


# ---- invitations -------------------------------------------------------------------------------------------


def test_somebody_new_is_invited_and_comes_in(world: World) -> None:
    assert invite(world, roles=("viewer", "bookkeeper")).status_code == 302
    assert mail.outbox[-1].to == ["anna@example.com"]
    link, client = link_in_mail(), Client()
    assert link.split("/")[-2] not in str(Invitation.objects.filter(email="anna@example.com").values().get())
    assert_clean(client, link)
    weak = client.post(link, {"name": "Anna Berg", "password": "anna@example.com", "again": "anna@example.com"})
    assert "too similar" in weak.content.decode()
    short = client.post(link, {"name": "Anna Berg", "password": "short-one", "again": "short-one"})
    assert "at least 12 characters" in short.content.decode()
    differ = client.post(link, {"name": "Anna Berg", "password": NEW, "again": NEW + "x"})
    assert "The two passwords differ." in differ.content.decode()
    assert not User.objects.filter(username="anna@example.com").exists()
    assert client.post(link, {"name": "Anna Berg", "password": NEW, "again": NEW}).headers["Location"] == LOGIN
    anna = User.objects.get(username="anna@example.com")
    assert (anna.get_full_name(), roles_of(anna), anna.is_superuser) == ("Anna Berg", ["viewer", "bookkeeper"], False)
    assert [row.organization for row in anna.memberships.all()] == [world.rows["organization"]]
    inside = log_in("ANNA@example.com", NEW)
    assert inside.get(HOME).status_code == 200
    assert "not valid any more" in Client().get(link).content.decode()
    assert AuditRecord.objects.get(action="invite").actor == "owner"
    assert AuditRecord.objects.get(action="accept invitation").actor == "anna@example.com"


def test_a_link_ends_by_time_withdrawal_and_a_newer_one(world: World) -> None:
    invite(world)
    first = link_in_mail()
    invite(world)
    second = link_in_mail()
    assert "not valid any more" in Client().get(first).content.decode()
    assert "Choose a password" in Client().get(second).content.decode()
    with time_machine.travel(timezone.now() + timedelta(days=8)):
        posted = Client().post(second, {"name": "Anna", "password": NEW, "again": NEW})
    assert "not valid any more" in posted.content.decode()
    row = Invitation.objects.get(email="anna@example.com")
    assert world.client("owner").post(address(row, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert "not valid any more" in Client().get(second).content.decode()
    assert not User.objects.filter(username="anna@example.com").exists()
    assert AuditRecord.objects.get(action="withdraw invitation").actor == "owner"


def test_whoever_has_an_account_must_log_in_with_it(world: World) -> None:
    """Or a link would give away somebody's account."""
    anna = make.person("anna", make.OrganizationFactory(), roles=("viewer",), email="anna@example.com")
    invite(world)
    link = link_in_mail()
    assert Client().get(link).headers["Location"].startswith(LOGIN)
    assert Client().post(link, {"name": "A", "password": NEW, "again": NEW}).status_code == 302
    assert "This invitation is for anna@example.com." in world.client("support").get(link).content.decode()
    assert anna.memberships.count() == 1
    client = log_in("anna")
    assert "Accept" in client.get(link).content.decode()
    assert anna.memberships.count() == 1  # looking at it accepts nothing
    assert client.post(link).status_code == 302
    assert anna.memberships.count() == 2


def test_an_invitation_changes_no_roles_that_hold_elsewhere(world: World) -> None:
    anna = make.person("anna", make.OrganizationFactory(), roles=("owner",), email="anna@example.com")
    invite(world, roles=("viewer",))
    answer = log_in("anna").post(link_in_mail()).content.decode()
    assert "Your account has other roles where it works already" in answer
    assert (roles_of(anna), anna.memberships.count()) == (["owner"], 1)
    assert Invitation.objects.filter(email="anna@example.com", accepted_at=None).exists()


def test_who_may_invite_and_where(world: World) -> None:
    for who in ("viewer", "bookkeeper", "support"):
        assert invite(world, who=who).status_code == 403, who
    theirs = world.theirs["organization"]
    posted = {"organization": theirs.pk, "email": "anna@example.com", "roles": ["owner"]}
    answer = world.client("owner").post(INVITE, posted)
    assert "organization" in answer.context["adminform"].form.errors
    assert not Invitation.objects.filter(email="anna@example.com").exists()
    assert mail.outbox == []


def test_an_organizations_name_adds_no_line_to_the_head_of_a_mail(world: World) -> None:
    Organization.objects.filter(pk=world.rows["organization"].pk).update(name="Acme\nBcc: x@evil.example")
    assert invite(world).status_code == 302
    assert mail.outbox[-1].subject == "Tillbridge: Acme Bcc: x@evil.example invites you"
    assert mail.outbox[-1].recipients() == ["anna@example.com"]


def test_an_invitation_that_cannot_be_mailed_was_not_made(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_args: Any, **_kwargs: Any) -> None:
        raise ConnectionRefusedError

    monkeypatch.setattr("credentials.people.inviting.send_mail", down)
    page = world.client("owner")
    posted = {"organization": world.rows["organization"].pk, "email": "anna@example.com", "roles": ["viewer"]}
    assert "The mail could not be sent" in page.post(INVITE, posted, follow=True).content.decode()
    assert not Invitation.objects.filter(email="anna@example.com").exists()
    assert not AuditRecord.objects.filter(action="invite").exists()


# ---- members -----------------------------------------------------------------------------------------------


def test_owners_change_roles_and_it_counts_at_once(world: World) -> None:
    row = world.people["viewer"].memberships.get()
    client = world.client("viewer")
    assert client.get(reverse("admin:flows_itemmapping_add")).status_code == 403
    answer = world.client("owner").post(address(row, "change", row.pk), {"roles": ["bookkeeper"]}, follow=True)
    assert "The roles were changed." in answer.content.decode()
    assert client.get(reverse("admin:flows_itemmapping_add")).status_code == 200
    record = AuditRecord.objects.get(action="change roles")
    assert (record.actor, record.message) == ("owner", "The roles of viewer are bookkeeper now; they were viewer.")


def test_roles_of_who_also_works_elsewhere_are_not_an_owners_to_change(world: World) -> None:
    viewer = world.people["viewer"]
    Membership.objects.create(user=viewer, organization=world.theirs["organization"])
    with_factor(viewer)
    row = viewer.memberships.get(organization=world.rows["organization"])
    client = world.client("owner")
    page = client.post(address(row, "change", row.pk), {"roles": ["owner"]}, follow=True).content.decode()
    assert "also works for others" in page
    assert roles_of(viewer) == ["viewer"]
    for button in ("remove-factor", "end-sessions"):
        assert "also works for others" in client.post(address(row, "press", row.pk, button), follow=True).content.decode()
    assert viewer.authenticators.exists()


def test_superusers_are_nobodys_to_change(world: World) -> None:
    root = world.people["root"]
    row = Membership.objects.create(user=root, organization=world.rows["organization"])
    world.client("owner").post(address(row, "change", row.pk), {"roles": ["viewer"]})
    assert roles_of(root) == []


def test_the_last_owner_stays(world: World) -> None:
    row = world.people["owner"].memberships.get()
    client = world.client("owner")
    page = client.post(address(row, "change", row.pk), {"roles": ["viewer"]}, follow=True).content.decode()
    assert "is the only owner of Mine." in page
    page = client.post(address(row, "delete", row.pk), {"post": "yes"}, follow=True).content.decode()
    assert "is the only owner of Mine." in page
    assert roles_of(world.people["owner"]) == ["owner"]
    make.person("second", world.rows["organization"], roles=("owner",))
    client.post(address(row, "change", row.pk), {"roles": ["viewer"]})
    assert roles_of(User.objects.get(username="owner")) == ["viewer"]


def test_who_is_removed_sees_nothing_any_more(world: World) -> None:
    support = world.people["support"]
    client = log_in("support")
    _, text = make.api_token(support, world.rows["organization"])
    row = support.memberships.get()
    flow = world.rows["flow"]
    assert client.get(address(flow, "change", flow.pk)).status_code == 200
    assert world.client("owner").post(address(row, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert client.get(address(flow, "change", flow.pk)).headers["Location"].startswith(LOGIN)  # logged out
    assert log_in("support").get(address(flow, "change", flow.pk)).status_code == 404
    with pytest.raises(NoEntry):
        recognise(text)
    assert (roles_of(User.objects.get(pk=support.pk)), AuditRecord.objects.get(action="remove member").actor) == ([], "owner")


def test_with_a_membership_end_its_tokens_and_open_invitations(world: World) -> None:
    owner, mine, elsewhere = world.people["owner"], world.rows["organization"], make.OrganizationFactory(name="Third", slug="third")
    Membership.objects.create(user=owner, organization=elsewhere)
    _, here = make.api_token(owner, mine)
    kept, there = make.api_token(owner, elsewhere)
    make.person("second", mine, roles=("owner",))
    invite(world)
    link, member = link_in_mail(), owner.memberships.get(organization=mine)
    remove = address(member, "delete", member.pk)
    asked = world.client("root").get(remove).content.decode()
    assert "API token script" in asked
    assert "invitation of anna@example.com" in asked
    assert world.client("root").post(remove, {"post": "yes"}).status_code == 302
    with pytest.raises(NoEntry, match="was revoked"):
        recognise(here)
    assert recognise(there) == kept
    assert "may not invite any more" in Client().get(link).content.decode()
    assert not Invitation.objects.filter(email="anna@example.com").exists()
    assert AuditRecord.objects.get(action="revoke API token").organization_id == mine.pk
    assert AuditRecord.objects.get(action="withdraw invitation").actor == "root"
    Membership.objects.create(user=owner, organization=mine)  # who comes back brings nothing back
    with pytest.raises(NoEntry, match="was revoked"):
        recognise(here)


def account_form(client: Client, person: User) -> dict[str, Any]:
    """What the page of the account would send unchanged."""
    form = client.get(reverse("admin:auth_user_change", args=[person.pk])).context["adminform"].form
    row = person.memberships.get()
    return {name: value for name, value in form.initial.items() if isinstance(value, str) and value} | {
        "is_active": "on",
        "is_staff": "on",
        "groups": [group.pk for group in person.groups.all()],
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "1",
        "memberships-0-id": str(row.pk),
        "memberships-0-user": str(person.pk),
        "memberships-0-organization": str(row.organization_id),
    }


@pytest.mark.parametrize("moved", [False, True], ids=["taken away", "moved to another organization"])
def test_a_superuser_who_takes_a_membership_away_ends_the_same(world: World, moved: bool) -> None:
    support, client = world.people["support"], world.client("root")
    token, _ = make.api_token(support, world.rows["organization"])
    changed = {"memberships-0-organization": str(world.theirs["organization"].pk)} if moved else {"memberships-0-DELETE": "on"}
    answer = client.post(reverse("admin:auth_user_change", args=[support.pk]), account_form(client, support) | changed)
    assert answer.status_code == 302, answer.context["errors"]
    token.refresh_from_db()
    assert (support.memberships.count(), token.revoked_at is not None) == (int(moved), True)
    assert AuditRecord.objects.get(action="revoke API token").actor == "root"


@pytest.mark.parametrize("how", ["switched off", "without a role", "away", "gone"])
def test_nobody_comes_in_by_the_word_of_somebody_who_may_not_invite_any_more(world: World, how: str) -> None:
    invite(world)
    link, owner = link_in_mail(), world.people["owner"]
    assert "Choose a password" in Client().get(link).content.decode()
    if how == "switched off":
        User.objects.filter(pk=owner.pk).update(is_active=False)
    elif how == "without a role":
        owner.groups.clear()
    elif how == "away":
        owner.memberships.all().delete()
    else:
        owner.delete()
    posted = Client().post(link, {"name": "Anna", "password": NEW, "again": NEW})
    assert "may not invite any more" in posted.content.decode()
    assert not User.objects.filter(username="anna@example.com").exists()


@pytest.mark.parametrize("how", ["roles taken", "roles taken by the page of the account", "switched off"])
def test_who_is_no_owner_any_more_leaves_no_open_invitation(world: World, how: str) -> None:
    make.person("second", world.rows["organization"], roles=("owner",))
    invite(world)
    row, client = world.people["owner"].memberships.get(), world.client("root")
    if how == "roles taken":
        client.post(address(row, "change", row.pk), {"roles": ["viewer"]})
    else:
        posted = account_form(client, row.user) | ({"is_active": ""} if how == "switched off" else {"groups": []})
        assert client.post(reverse("admin:auth_user_change", args=[row.user_id]), posted).status_code == 302
    assert not Invitation.objects.filter(email="anna@example.com").exists()
    assert AuditRecord.objects.get(action="withdraw invitation").actor == "root"


def test_an_owner_takes_a_lost_factor_away(world: World) -> None:
    with_factor(world.people["support"])
    row = world.people["support"].memberships.get()
    client = world.client("owner")
    assert "Remove second factor" in client.get(address(row, "change", row.pk)).content.decode()
    client.post(address(row, "press", row.pk, "remove-factor"))
    assert not world.people["support"].authenticators.exists()
    assert AuditRecord.objects.get(action="remove second factor").actor == "owner"


def test_an_owners_open_browser_does_not_take_the_owners_own_factor_away(world: World) -> None:
    codes = with_factor(world.people["owner"])
    row = world.people["owner"].memberships.get()
    client = log_in("owner")
    client.post(reverse("account:give-code"), {"code": codes[0]})
    answer = client.post(address(row, "press", row.pk, "remove-factor"), follow=True)
    assert "it asks for a code" in answer.content.decode()
    assert world.people["owner"].authenticators.filter(confirmed_at__isnull=False).exists()
    assert not AuditRecord.objects.filter(action="remove second factor").exists()


# ---- logging in --------------------------------------------------------------------------------------------


def test_passwords_cannot_be_guessed_on_and_on(world: World) -> None:
    for _ in range(5):
        answer = Client().post(LOGIN, {"username": "owner", "password": "wrong"})
        assert "Please enter the correct" in answer.content.decode()
    assert log_in("owner").get(HOME).status_code == 302  # the right one neither
    page = Client().post(LOGIN, {"username": "owner", "password": make.PASSWORD}).content.decode()
    assert re.search(r"There were too many tries\. Try again in \d+ seconds\.", page)
    assert log_in("support").get(HOME).status_code == 200  # another account
    with time_machine.travel(timezone.now() + timedelta(seconds=61)):
        assert log_in("owner").get(HOME).status_code == 200
    told = AuditRecord.objects.filter(action="log in", outcome="failed").order_by("id").values_list("actor", "message")
    assert [actor for actor, _ in told] == ["owner"] * 6
    assert told[5][1].startswith("Too many tries to log in as owner")
    assert AuditRecord.objects.filter(action="log in", outcome="done", actor="owner").count() == 1


def test_an_unknown_account_is_answered_alike(world: World) -> None:
    def answers(name: str, where: str) -> list[str]:
        found = []
        for _ in range(7):
            page = Client().post(LOGIN, {"username": name, "password": "wrong"}, REMOTE_ADDR=where).content.decode()
            note = re.search(r'class="errornote">\s*(.*?)\s*</p>', page, re.DOTALL)
            assert note is not None
            found.append(re.sub(r"\d+ second", "N second", note[1]))
        return found

    assert answers("owner", "192.0.2.1") == answers("nobody-of-that-name", "192.0.2.2")
    assert not AuditRecord.objects.filter(message__contains="nobody-of-that-name").exists()  # it may have been a password


def test_one_address_cannot_try_many_accounts(world: World) -> None:
    for number in range(30):
        Client().post(LOGIN, {"username": f"somebody-{number}", "password": "wrong"}, REMOTE_ADDR="192.0.2.7")
    page = Client().post(LOGIN, {"username": "owner", "password": make.PASSWORD}, REMOTE_ADDR="192.0.2.7").content.decode()
    assert "There were too many tries." in page
    assert log_in("owner", REMOTE_ADDR="192.0.2.8").get(HOME).status_code == 200


def test_a_whole_network_of_one_stranger_counts_as_one_address() -> None:
    same, other = ("2001:db8:1:2::7", "2001:db8:1:2:ffff::1"), "2001:db8:1:3::7"
    assert _key("login-address", same[0]) == _key("login-address", same[1])
    assert _key("login-address", "::ffff:192.0.2.1") == _key("login-address", "192.0.2.1")
    assert len({_key("login-address", one) for one in (same[0], other, "192.0.2.1", "192.0.2.2", "::1", "somebody", "")}) == 7


def test_what_was_quiet_for_a_day_is_forgotten(world: World) -> None:
    log_in("support", "wrong")
    client = log_in("support")
    assert client.get(HOME).status_code == 200
    RateBucket.objects.create(key="resting", rest_until=(timezone.now() + timedelta(days=3)).timestamp())
    counted = RateBucket.objects.exclude(due=0, rest_until=0)  # the right password made the account's own nothing again
    before = (counted.count(), SignIn.objects.count())
    prune_old(90, 2557)
    assert (counted.count(), SignIn.objects.count()) == before == (2, 1)
    assert client.get(HOME).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=2)):
        PeriodicLease.objects.all().delete()
        prune_old(90, 2557)
        assert list(RateBucket.objects.values_list("key", flat=True)) == ["resting"]
        assert client.get(HOME).status_code == 200
    with time_machine.travel(timezone.now() + timedelta(days=20)):
        PeriodicLease.objects.all().delete()
        prune_old(90, 2557)
    assert (Session.objects.count(), SignIn.objects.count()) == (0, 0)


def test_right_passwords_are_not_counted(world: World) -> None:
    for _ in range(40):
        assert log_in("owner").get(HOME).status_code == 200


# ---- passwords ---------------------------------------------------------------------------------------------


@pytest.fixture
def mailed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from credentials.people.passwords import mail_reset

    monkeypatch.setattr("credentials.people.door_pages.ask_for_mail_reset", mail_reset)


def test_a_forgotten_password_is_replaced_by_a_link_that_works_once(world: World, mailed_at_once: None) -> None:
    User.objects.filter(username="owner").update(email="owner@example.com")
    before = log_in("owner")
    _, token = make.api_token(world.people["owner"], world.rows["organization"])
    ask, done = reverse("admin_password_reset"), reverse("password_reset_done")
    assert ask in Client().get(LOGIN).content.decode()
    assert_clean(Client(), ask)
    assert Client().post(ask, {"email": "Owner@Example.com"}).headers["Location"] == done
    assert "your API tokens end" in mail.outbox[-1].body
    client, link = Client(), link_in_mail()
    form = client.get(link, follow=True)
    recognise(token)
    chosen = client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    assert chosen.headers["Location"] == reverse("password_reset_complete")
    assert "your API tokens are not accepted any more" in client.get(chosen.headers["Location"]).content.decode()
    assert before.get(HOME).status_code == 302
    with pytest.raises(NoEntry, match="was revoked"):
        recognise(token)
    assert log_in("owner", NEW).get(HOME).status_code == 200
    assert "was invalid" in Client().get(link, follow=True).content.decode()
    assert AuditRecord.objects.filter(action="reset password", actor="owner").count() == 1


def test_a_reset_says_the_same_for_nobody_and_is_counted(world: World, mailed_at_once: None) -> None:
    ask = reverse("admin_password_reset")
    assert Client().post(ask, {"email": "nobody@example.com"}).headers["Location"] == reverse("password_reset_done")
    assert mail.outbox == []
    User.objects.filter(username="owner").update(email="owner@example.com")
    for _ in range(3):
        Client().post(ask, {"email": "owner@example.com"})
    assert "There were too many tries." in Client().post(ask, {"email": "owner@example.com"}).content.decode()
    assert len(mail.outbox) == 3


def test_a_new_password_does_not_pass_the_second_factor(world: World, mailed_at_once: None) -> None:
    User.objects.filter(username="owner").update(email="owner@example.com")
    with_factor(world.people["owner"])
    Client().post(reverse("admin_password_reset"), {"email": "owner@example.com"})
    client = Client()
    form = client.get(link_in_mail(), follow=True)
    client.post(form.redirect_chain[-1][0], {"new_password1": NEW, "new_password2": NEW})
    assert log_in("owner", NEW).get(HOME).headers["Location"].startswith(reverse("account:give-code"))


def test_changing_it_logs_the_other_browsers_out(world: World) -> None:
    here, there = log_in("owner"), log_in("owner")
    posted = {"old_password": make.PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert here.post(reverse("admin:password_change"), posted).status_code == 302
    assert here.get(HOME).status_code == 200
    assert there.get(HOME).status_code == 302
    assert SignIn.objects.filter(user=world.people["owner"]).count() == 1
    assert AuditRecord.objects.get(action="change password").actor == "owner"


# ---- one's own account -------------------------------------------------------------------------------------


def test_everybody_has_a_page_of_their_own(world: World) -> None:
    for name in world.people:
        assert_clean(world.client(name), OWN)
    client = world.client("viewer")
    client.post(OWN, {"first_name": "Vera", "last_name": "Lind", "username": "root", "is_superuser": "on"})
    viewer = User.objects.get(pk=world.people["viewer"].pk)
    assert (viewer.get_full_name(), viewer.username, viewer.is_superuser) == ("Vera Lind", "viewer", False)
    assert AuditRecord.objects.get(action="change name").actor == "viewer"


def test_sessions_are_listed_and_ended(world: World) -> None:
    here = log_in("owner", HTTP_USER_AGENT="Mozilla/5.0 (X11; Linux x86_64) Gecko/20100101 Firefox/140.0")
    there = log_in("owner", REMOTE_ADDR="192.0.2.9", HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36")
    third, other = log_in("owner"), log_in("support")
    page = here.get(OWN).content.decode()
    assert "Firefox on Linux" in page
    assert "Chrome on Windows" in page
    assert "192.0.2.9" in page
    end = reverse("account:end-session")
    row = SignIn.objects.get(address="192.0.2.9")
    assert other.post(end, {"which": row.pk}).status_code == 302
    assert there.get(HOME).status_code == 200  # nobody ends another's
    here.post(end, {"which": row.pk})
    assert there.get(HOME).status_code == 302
    here.post(end, {"which": "others"})
    assert third.get(HOME).status_code == 302
    assert (here.get(HOME).status_code, other.get(HOME).status_code) == (200, 200)
    assert AuditRecord.objects.filter(action="end sessions", actor="owner").count() == 2


def test_a_token_is_shown_once_and_never_again(world: World) -> None:
    client = log_in("bookkeeper")
    new, mine = reverse("account:new-token"), world.rows["organization"]
    assert_clean(client, new)
    assert [name for _, name in client.get(new).context["form"].fields["organization"].choices] == ["Mine"]
    posted = {"name": "month end", "organization": mine.pk, "scopes": ["read", "mappings"], "days": "30"}
    text = re.search(r"tbk_[\w-]{43}", client.post(new, posted).content.decode())
    assert text is not None
    row = recognise(text[0])
    assert (row.user.username, row.organization, row.scopes) == ("bookkeeper", mine, ["read", "mappings"])
    assert text[0] not in str(ApiToken.objects.filter(pk=row.pk).values().get())
    assert text[0] not in client.get(OWN).content.decode()
    assert not AuditRecord.objects.filter(message__contains=text[0]).exists()
    foreign = {**posted, "organization": world.theirs["organization"].pk}
    assert "organization" in client.post(new, foreign).context["form"].errors
    assert log_in("support").post(reverse("account:revoke-token", args=[row.pk])).status_code == 404
    recognise(text[0])
    assert client.post(reverse("account:revoke-token", args=[row.pk])).status_code == 302
    with pytest.raises(NoEntry):
        recognise(text[0])
    assert AuditRecord.objects.get(action="revoke API token").actor == "bookkeeper"


def test_an_owner_revokes_anybodys_token(world: World) -> None:
    row: Any = world.rows["apitoken"]
    client = world.client("owner")
    assert client.post(address(row, "press", row.pk, "revoke")).status_code == 302
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert AuditRecord.objects.get(action="revoke API token").actor == "owner"
