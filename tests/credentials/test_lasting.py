"""How long an authorisation lasts, in words: what renews itself, and what a person has to do by when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from credentials.lasting import lasting_of
from credentials.vault import set_secrets
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("settings", "ends", "renewed_with", "refresh_ends", "status", "words"),
    [
        ("", timedelta(hours=2, minutes=5), "r", None, "active", "renews itself; valid until 14:05 UTC"),
        ("", timedelta(days=2), "r", timedelta(days=90), "active", "renews itself; valid until 2026-11-23 12:00 UTC"),
        ("", -timedelta(minutes=1), "r", timedelta(days=1), "paused", "renews itself when it is used next"),
        ("", -timedelta(minutes=1), "r", -timedelta(days=1), "active", "needs a person now: connect it again"),
        ("", timedelta(days=9), "", None, "active", "needs a person by 2026-11-30 12:00 UTC: connect it again"),
        ("", timedelta(hours=2), "", None, "active", "needs a person by 14:00 UTC: connect it again"),
        ("", -timedelta(minutes=1), "", None, "active", "needs a person now: connect it again"),
        ("own_shop", timedelta(hours=2), "", None, "active", "renews itself; valid until 14:00 UTC"),
        ("own_shop", -timedelta(hours=2), "", None, "active", "renews itself when it is used next"),
        ("token", None, "", None, "active", ""),
        ("", timedelta(hours=2), "r", None, "reauthorise", ""),
        ("", None, "r", None, "active", ""),
    ],
)
def test_a_connection_says_in_words_how_long_its_authorisation_lasts(
    settings: str, ends: timedelta | None, renewed_with: str, refresh_ends: timedelta | None, status: str, words: str
) -> None:
    made = make.FlowFactory().source
    made.platform, made.settings = ("shopify", {"auth": settings}) if settings else ("freshbooks", {})
    made.status, made.token_expires_at = status, None if ends is None else NOW + ends
    made.refresh_expires_at = None if refresh_ends is None else NOW + refresh_ends
    set_secrets(made, {"access_token": "a", "refresh_token": renewed_with})
    assert lasting_of([made], NOW) == {made.pk: words}
