"""Who sees and does what: every registered page against every kind of person, by lists, direct addresses, choices and posts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from django_celery_beat.models import CrontabSchedule

from audit.console.base import ConsoleAdmin
from audit.console.buttons import Button, Said
from audit.models import AuditRecord
from flows.models import Backfill, ItemMapping, SyncJob
from tests.admin.console_world import ADDS, ASKS, CHANGES, PEOPLE, PRESSES, SEES, SHARED, World, address, pages

MODELS = tuple(SEES)


def buttons(page: Any) -> tuple[Button, ...]:
    return page.buttons if isinstance(page, ConsoleAdmin) else ()


def test_the_tables_name_every_page_and_every_button() -> None:
    assert set(SEES) == set(pages())
    assert set(PRESSES) == {(name, button.name) for name, page in pages().items() for button in buttons(page)}
    assert all(isinstance(page, ConsoleAdmin) for page in admin.site._registry.values())


def expected(person: str, allowed: set[str]) -> int:
    return 200 if person in allowed else 302 if person in ("anonymous",) else 403


@pytest.mark.parametrize("person", PEOPLE)
def test_lists(world: World, person: str) -> None:
    client = world.client(person)
    for name in MODELS:
        answer = client.get(address(world.rows[name], "changelist"))
        neighbour_may = person == "neighbour" and "owner" in SEES[name]
        assert answer.status_code == (200 if neighbour_may else expected(person, SEES[name])), name
        if answer.status_code != 200 or name in SHARED:
            continue
        seen = {row.pk for row in answer.context["cl"].result_list}
        mine, theirs = world.rows[name].pk, world.theirs[name].pk
        if person == "root":
            assert {mine, theirs} <= seen, name
        else:
            assert (mine in seen, theirs in seen) == (not neighbour_may, neighbour_may), name
            foreign = world.rows if neighbour_may else world.theirs
            text = answer.content.decode()
            assert str(foreign["organization"]) not in text.replace("Other people", ""), name
            assert str(foreign["connection"]) not in text, name


@pytest.mark.parametrize("person", PEOPLE)
def test_direct_addresses(world: World, person: str) -> None:
    client = world.client(person)
    for name in MODELS:
        for page in ("change", "history", "delete"):
            mine = client.get(address(world.rows[name], page, world.rows[name].pk))
            if person == "anonymous":
                assert mine.status_code == 302, (name, page)
                continue
            if page == "change" and person != "neighbour":
                foreign_to_person = person == "stranger" and name not in SHARED
                assert mine.status_code == (404 if foreign_to_person else expected(person, SEES[name])), name
            if name not in SHARED and person != "root":
                hidden = world.rows[name] if person == "neighbour" else world.theirs[name]
                answer = client.get(address(hidden, page, hidden.pk))
                assert answer.status_code == 404, (name, page)
                absent = client.get(address(hidden, page, 10**9))
                assert (absent.status_code, absent.content) == (answer.status_code, answer.content), (name, page)


@pytest.mark.parametrize("person", PEOPLE)
def test_adding_and_changing(world: World, person: str) -> None:
    client = world.client(person)
    for name in MODELS:
        row = world.rows[name]
        may_add = person in ADDS.get(name, set()) or (person == "neighbour" and "owner" in ADDS.get(name, set()))
        added = client.get(address(row, "add"))
        assert added.status_code == (200 if may_add else 302 if person == "anonymous" else 403), name
        before = AuditRecord.objects.count()
        if person not in CHANGES.get(name, set()):
            stored = type(row).objects.filter(pk=row.pk).values().get()
            posted = client.post(address(row, "change", row.pk), {"label": "taken over", "name": "taken over", "target": "x"})
            assert posted.status_code in ((302,) if person == "anonymous" else (403, 404)), name
            client.post(address(row, "delete", row.pk), {"post": "yes"})
            assert type(row).objects.filter(pk=row.pk).values().get() == stored, name
            assert AuditRecord.objects.count() == before, name


@pytest.fixture
def pressed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """Buttons that only note that they were pressed, and are never out of place."""
    found: list[tuple[str, Any]] = []

    def noting(name: str) -> Callable[..., Said]:
        def press(row: Any, *_said: str) -> Said:
            found.append((name, row.pk))
            return Said("noted")

        return press

    for page in pages().values():
        spies = tuple(replace(button, press=noting(button.name), is_shown=lambda _row: True) for button in buttons(page))
        if spies:
            monkeypatch.setattr(page, "buttons", spies)
    return found


@pytest.mark.parametrize("person", PEOPLE)
def test_buttons(world: World, person: str, pressed: list[tuple[str, Any]]) -> None:
    client = world.client(person)
    for (name, button), allowed in PRESSES.items():
        row, theirs = world.rows[name], world.theirs[name]
        pressed.clear()
        answer = client.post(address(row, "press", row.pk, button))
        if person in allowed:
            assert (answer.status_code, pressed) == (302, [(button, row.pk)]), (name, button)
        else:
            status = {"anonymous": 302, "stranger": 404, "neighbour": 404}.get(person, 403)
            assert (answer.status_code, pressed) == (status, []), (name, button)
        if person not in ("root", "neighbour"):
            pressed.clear()
            assert client.post(address(theirs, "press", theirs.pk, button)).status_code == (302 if person == "anonymous" else 404)
            assert pressed == []
        if person in SEES[name]:
            page = client.get(address(row, "change", row.pk)).content.decode()
            assert (address(row, "press", row.pk, button) in page) == (person in allowed), (name, button)


@pytest.mark.parametrize("person", PEOPLE)
def test_actions_of_lists(world: World, person: str, pressed: list[tuple[str, Any]]) -> None:
    client = world.client(person)
    for name, button in (("syncjob", "settle"), ("inboundevent", "replay"), ("alert", "close"), ("flow", "disable")):
        pressed.clear()
        both = [world.rows[name].pk, world.theirs[name].pk]
        client.post(address(world.rows[name], "changelist"), {"action": button, "_selected_action": both})
        allowed = PRESSES[name, button]
        mine, theirs = (button, both[0]), (button, both[1])
        if person == "root":
            assert sorted(pressed) == sorted([mine, theirs])
        elif person == "neighbour":
            assert pressed == [theirs]
        else:
            assert pressed == ([mine] if person in allowed else []), (name, button)


def test_a_press_needs_a_post_and_a_token(world: World, pressed: list[tuple[str, Any]]) -> None:
    job = world.rows["syncjob"]
    assert world.client("support").get(address(job, "press", job.pk, "replay")).status_code == 405
    assert world.client("support", enforce_csrf_checks=True).post(address(job, "press", job.pk, "replay")).status_code == 403
    assert world.client("support").post(address(job, "press", job.pk, "nonsense")).status_code == 404
    assert pressed == []


@pytest.mark.parametrize("person", PEOPLE)
def test_pages_of_a_flow(world: World, person: str) -> None:
    client, mine, theirs = world.client(person), world.rows["flow"], world.theirs["flow"]
    for name, allowed in ASKS.items():
        status = {"anonymous": 302, "stranger": 404, "neighbour": 404}.get(person, 403)
        assert client.get(address(mine, name, mine.pk)).status_code == (200 if person in allowed else status), name
        if person in ("root", "neighbour"):
            continue
        period = {"since": "2026-11-01", "until": "2026-11-02", "record": "1001"}
        assert client.post(address(theirs, name, theirs.pk), period).status_code == (302 if person == "anonymous" else 404)
    assert Backfill.objects.count() == 2


@pytest.mark.parametrize("person", PEOPLE)
def test_choices_and_autocompletes(world: World, person: str) -> None:
    client = world.client(person)
    mine, theirs = world.rows["flow"], world.theirs["flow"]
    for name in ("itemmapping", "valuemapping", "fieldmapping"):
        answer = client.get(address(world.rows[name], "add"))
        if answer.status_code == 200:
            choices = set(answer.context["adminform"].form.fields["flow"].queryset)
            assert choices == ({mine, theirs} if person == "root" else {theirs} if person == "neighbour" else {mine})
    if person == "owner":
        answer = client.get(address(mine, "add"))
        shown = answer.context["adminform"].form.fields["source"].queryset
        assert set(shown.values_list("organization__name", flat=True)) == {"Mine"}
    asked = {"app_label": "flows", "model_name": "itemmapping", "field_name": "flow", "term": ""}
    answer = client.get(reverse("admin:autocomplete"), asked)
    assert answer.status_code == (302 if person == "anonymous" else 403 if person == "stranger" else 200)
    if answer.status_code == 200:
        found = {entry["id"] for entry in answer.json()["results"]}
        visible = {mine, theirs} if person == "root" else {theirs} if person == "neighbour" else {mine}
        assert found == {str(flow.pk) for flow in visible}


def test_a_mapping_cannot_be_put_into_a_foreign_flow(world: World) -> None:
    theirs = world.theirs["flow"]
    posted = {"flow": theirs.pk, "sku": "MUG-XL", "item_id": "1", "item_name": "Mug"}
    answer = world.client("bookkeeper").post(address(ItemMapping, "add"), posted)
    assert answer.status_code == 200
    assert "flow" in answer.context["adminform"].form.errors
    assert not ItemMapping.objects.filter(sku="MUG-XL").exists()


def test_filters_by_foreign_rows_find_nothing(world: World) -> None:
    client = world.client("support")
    theirs = world.theirs["flow"]
    for name, query in (
        ("syncjob", {"flow": theirs.pk}),
        ("syncjob", {"q": str(world.theirs["syncjob"].pk)}),
        ("inboundevent", {"connection": theirs.source_id}),
        ("auditrecord", {"q": str(world.theirs["syncjob"].pk)}),
        ("externallink", {"destination": theirs.destination_id}),
    ):
        answer = client.get(address(world.rows[name], "changelist"), query)
        assert list(answer.context["cl"].result_list) == [], (name, query)


def test_who_is_no_staff_stays_outside(world: World) -> None:
    owner = world.people["owner"]
    owner.is_staff = False
    owner.save()
    client = world.client("owner")
    for name in MODELS:
        assert client.get(address(world.rows[name], "changelist")).status_code == 302, name


def test_unused_schedules_are_for_superusers(world: World) -> None:
    assert world.client("owner").get(address(CrontabSchedule, "changelist")).status_code == 403
    assert world.client("root").get(address(CrontabSchedule, "changelist")).status_code == 200
    assert SyncJob.objects.count() == 2
