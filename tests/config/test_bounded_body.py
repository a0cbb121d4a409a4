"""Nobody sends more than is taken anywhere: it is refused before it is read."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from config.middleware import LONGEST_BODY, bounded_body


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/admin/login/", "/account/password/", "/api/v1/mappings/items", "/nowhere"])
@pytest.mark.parametrize("length", [str(LONGEST_BODY + 1), "9" * 40])
def test_too_large_a_body_is_not_read(path: str, length: str) -> None:
    answer = Client().post(path, {"a": "b"}, CONTENT_LENGTH=length)
    assert answer.status_code == 413


@pytest.mark.parametrize("length", ["", "0", "nonsense", "-5", str(LONGEST_BODY)])
def test_all_else_goes_on(length: str) -> None:
    passed: list[Any] = []
    bounded_body(passed.append)(RequestFactory().get("/", CONTENT_LENGTH=length))  # type: ignore[arg-type]
    assert len(passed) == 1


@pytest.mark.django_db
def test_a_search_for_a_nul_character_is_refused_on_any_database(admin_client: Client) -> None:
    assert admin_client.get("/admin/find/?q=%00").status_code == 400
    assert admin_client.get("/admin/find/?q=%20").status_code == 200
