"""The sidebar leads to every page that a person may see, once, and to none that they may not."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.contrib import admin
from django.test import RequestFactory

from flows.navigation import ROOMS, Page
from tests.admin.console_world import PEOPLE, World


def sidebar(html: str) -> list[str]:
    return re.findall(r'href="([^"]+)"', html.split('id="nav-sidebar"')[1].split("</nav>")[0])


@pytest.mark.parametrize("name", [person for person in PEOPLE if person != "anonymous"])
def test_everything_that_a_person_may_see_is_in_one_room(world: World, name: str) -> None:
    client = world.client(name)
    linked = Counter(sidebar(client.get("/admin/").text))
    assert set(linked.values()) <= {1}
    request = RequestFactory().get("/admin/")
    request.user = world.people[name]
    shown = {model["admin_url"] for app in admin.AdminSite.get_app_list(admin.site, request) for model in app["models"]}
    assert shown <= set(linked)
    assert {client.get(address, follow=True).status_code for address in linked} <= {200}


def test_what_the_rooms_name_exists() -> None:
    known = {f"{model._meta.app_label}.{model._meta.model_name}" for model in admin.site._registry}
    entries = [entry for entries in ROOMS.values() for entry in entries]
    assert {entry for entry in entries if isinstance(entry, str)} <= known
    assert all(entry.entry["admin_url"] for entry in entries if isinstance(entry, Page))
