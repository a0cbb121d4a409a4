"""The table from a shop's answer to the class of error, and calls whose answer decides more than the class."""

import json

import pytest

from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.platforms.woocommerce.answers import classify

PREFIX = "woocommerce_rest_"


def answer(status, body=b"", **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Response(status, headers, raw, "https://shop.example/wp-json/wc/v3/orders")


def error(status, code, message="Wörtlich.", data=None):
    return answer(status, {"code": code, "message": message, "data": {"status": status} if data is None else data})


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, PREFIX + "shop_order_invalid_id", Gone),
        (400, PREFIX + "shop_order_invalid_id", Gone),
        (404, PREFIX + "order_invalid_id", Gone),
        (404, PREFIX + "product_invalid_id", Gone),
        (400, PREFIX + "shop_webhook_invalid_id", Gone),
        (404, "wc_user_invalid_id", Gone),
        (404, "rest_no_route", NeedsAttention),
        (400, "product_invalid_sku", Conflict),
        (400, "registration-error-email-exists", Conflict),
        (400, "rest_invalid_param", Refused),
        (400, "rest_missing_callback_param", Refused),
        (400, "rest_invalid_json", Refused),
        (400, PREFIX + "invalid_customer_id", Refused),
        (413, PREFIX + "request_entity_too_large", Refused),
        (401, PREFIX + "cannot_view", Unauthorised),
        (401, PREFIX + "authentication_error", Unauthorised),
        (401, PREFIX + "authentication_missing_parameter", Unauthorised),
        (403, PREFIX + "cannot_view", Unauthorised),
        (403, PREFIX + "cannot_edit", Unauthorised),
        (500, "internal_server_error", Transient),
        (500, PREFIX + "cannot_create_order_refund", Refused),
        (501, PREFIX + "trash_not_supported", Refused),
        (503, "", Transient),
    ],
)
def test_status_and_code_decide(status, code, kind):
    found = classify(error(status, code))
    assert type(found) is kind
    if code:
        assert found.code == code


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (200, Transient),
        (401, Unauthorised),
        (403, Transient),
        (404, NeedsAttention),
        (500, Transient),
        (501, NeedsAttention),
        (502, Transient),
    ],
)
def test_web_pages(status, kind):
    assert type(classify(answer(status, b"<!doctype html><title>Maintenance</title>"))) is kind


def test_successes():
    assert classify(answer(200, [])) is None
    assert classify(answer(201, {"id": 1})) is None
    assert classify(answer(204)) is None


def test_a_bare_number_as_data_is_survived():
    found = classify(error(500, PREFIX + "cannot_create_order_refund", "Too much.", 500))
    assert found.message == "The shop refused the refund. The shop says: Too much."


@pytest.mark.parametrize(
    ("data", "field"),
    [({"params": {"status": "no"}}, "status"), ({"params": ["email"]}, "email"), ({"params": []}, ""), (None, ""), (500, "")],
)
def test_the_culprit_is_named(data, field):
    found = classify(error(400, "rest_invalid_param", data=data))
    assert type(found) is Refused
    assert found.field == field


@pytest.mark.parametrize("body", [b"[1]", b'{"code": 7}', b'{"message": []}', b"null", b"\xff\xfe"])
def test_nonsense_in_an_error_never_breaks_the_table(body):
    assert type(classify(answer(400, body))) is Refused
    assert type(classify(answer(500, body))) is Transient
