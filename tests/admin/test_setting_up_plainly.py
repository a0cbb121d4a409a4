"""The guided path asks a newcomer for no more than is needed, and says what is still missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from connectors.registry import all_connectors, guide_to
from credentials.models import Connection
from flows.guide import how_to_connect
from flows.models import SetUp
from tests.admin.setting_up_world import Ground, ground
from tests.admin.test_setting_up_everywhere import connected, owner, path, step, teas  # noqa: F401 - a fixture

TESTED = {"permissions": [["Read orders", False, "Tick read orders."]], "problems": ["The shop sleeps."], "facts": {}}


@pytest.fixture
def begun(transactional_db: None, settings: Any) -> Iterator[Ground]:
    settings.PUBLIC_URL = "http://127.0.0.1:9"
    cache.clear()
    with ground(settings.PUBLIC_URL) as made:
        made.begin()
        yield made


def side_of(organization: Any, platform: str) -> SetUp:
    """A path whose source is such a connection without keys."""
    row = path(organization, platform, "freshbooks", "order_to_invoice", step="destination")
    row.source = connected(organization, platform, status="new")
    row.save()
    return row


def shown(client: Client, row: SetUp) -> Any:
    return client.get(step(row, "source"))


def test_a_step_without_its_keys_is_not_done(begun: Ground) -> None:
    begun.both.post(begun.step("source"), {"do": "new", "label": "Tea shop", "base_url": "https://tea.example"})
    empty = {"do": "save", "base_url": "https://tea.example", "setting_auth": "auto", "urls": "{}"}
    answer = begun.both.post(begun.step("source"), empty, follow=True)
    assert begun.row().step == "source"
    assert "Still to be entered: Consumer key, Consumer secret." in answer.content.decode()
    answer = begun.both.post(begun.step("source"), {**empty, "secret_consumer_key": "ck_1"}, follow=True)
    assert "Still to be entered: Consumer secret." in answer.content.decode()
    begun.both.post(begun.step("source"), {**empty, "secret_consumer_secret": "cs_1"})
    assert begun.row().step == "destination", "what was entered before is kept"


def test_a_side_that_does_not_answer_is_no_done_step_and_says_why(teas: Any) -> None:  # noqa: F811
    row = side_of(teas, "woocommerce")
    row.destination, row.step, row.tests = connected(teas, "freshbooks"), "test", {"source": TESTED}
    row.save()
    client = owner(teas)
    page = client.get(step(row, "test"))
    assert [mark.state for mark in page.context["marks"][:4]] == ["done", "open", "done", "here"]
    assert "Tick read orders. The shop sleeps." in shown(client, row).content.decode()
    Connection.objects.filter(pk=row.source.pk).update(status="active")
    assert "Tick read orders." not in shown(client, row).content.decode()


def test_what_few_need_stands_behind_a_click_and_no_address_that_connecting_does_without(teas: Any) -> None:  # noqa: F811
    page = shown(owner(teas), side_of(teas, "magento"))
    assert [field.name for field in page.context["secrets"]] == [
        f"secret_{name}" for name in ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    ]
    assert {"secret_webhook_secret", "secret_events_client_id"} <= {field.name for field in page.context["rare"]}
    assert page.context["there"] == {}
    text = page.content.decode()
    assert text.index("Way to sign in") < text.index("Consumer key"), "the way decides which keys there are"


@pytest.mark.parametrize("platform", sorted(all_connectors()))
def test_beside_the_keys_stands_how_to_get_them_and_no_more(platform: str) -> None:
    whole = guide_to(platform)
    part = how_to_connect(whole)
    assert "1. " in part
    assert "\n## " not in part
    assert "| setting |" not in part
    assert len(part) < len(whole) / 2


def test_the_rest_of_the_guide_is_a_click_away(teas: Any) -> None:  # noqa: F811
    page = shown(owner(teas), side_of(teas, "shopify")).content.decode()
    assert f'href="{reverse("admin:guide-page", args=["platforms/shopify"])}"' in page
    assert "What errors mean" not in page


def test_a_choice_that_follows_another_says_so(teas: Any) -> None:  # noqa: F811
    row = path(teas, "freshbooks", "stripe", "client_to_customer", step="options")
    row.source, row.destination = connected(teas, "freshbooks"), connected(teas, "stripe")
    row.save()
    form = owner(teas).get(step(row, "options")).context["form"]
    assert [words for value, words in form.fields["option_wins_name"].choices if not value] == ["As chosen above"]
