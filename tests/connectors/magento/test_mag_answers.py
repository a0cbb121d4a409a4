"""What each answer means, by the texts that real shops of 2.4.7 and 2.4.8 gave. Of the four kinds of 401 one asks for new keys."""

import json

import pytest
from mag_shop import CUSTOMERS, ORDERS, plumbing, shop

from connectors.canonical.party import Address, Customer
from connectors.kit.account import Account
from connectors.kit.errors import (
    Conflict,
    Gone,
    NeedsAttention,
    RateLimited,
    Refused,
    Rejected,
    Transient,
    Unauthorised,
    Unclear,
)
from connectors.kit.http import Effect, Response
from connectors.kit.sandbox import Answer, Sandbox, serve
from connectors.platforms.magento import CONNECTOR
from connectors.platforms.magento.answers import classify, shop_says

RESOURCES = "The consumer isn't authorized to access %resources."


def answered(status, message=None, parameters=None, body=None, **headers):
    text = json.dumps({"message": message} | ({} if parameters is None else {"parameters": parameters})) if body is None else body
    return Response(status, headers, text.encode(), "https://shop.example/rest/V1/orders")


# ---- 401, row by row ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "parameters", "kind", "code"),
    [
        ("The signature is invalid. Verify and try again.", None, NeedsAttention, "signature_invalid"),
        ("A consumer having the specified key does not exist", None, Unauthorised, "keys_unknown"),
        ("Specified token does not exist", None, Unauthorised, "keys_unknown"),
        ("Consumer key has expired", None, Unauthorised, "keys_unknown"),
        ("An error occurred validating the nonce", None, Transient, "not_reached"),
        ("The timestamp value in the oauth_timestamp parameter is invalid", None, Transient, "not_reached"),
        (RESOURCES, {"resources": "Magento_Sales::actions_view"}, NeedsAttention, "permission_missing"),
        (RESOURCES, {"resources": "self"}, NeedsAttention, "permission_missing"),
    ],
)
def test_a_401_asks_for_new_keys_only_where_the_old_ones_are_dead(message, parameters, kind, code):
    error = classify(answered(401, message, parameters))
    assert (type(error), error.code) == (kind, code)


@pytest.mark.parametrize("body", ["", "<html>401</html>", "[]", '{"message": 7}', '{"parameters": {"resources": ""}}'])
def test_a_401_without_words_of_magento_is_taken_for_refused_keys(body):
    assert classify(answered(401, body=body)).code == "keys_refused"


@pytest.mark.parametrize(
    ("trouble", "kind", "code"),
    [
        ({"consumer_secret": "wrong"}, NeedsAttention, "signature_invalid"),
        ({"access_token_secret": "wrong"}, NeedsAttention, "signature_invalid"),
        ({"consumer_key": "unknown"}, Unauthorised, "keys_unknown"),
        ({"access_token": "unknown"}, Unauthorised, "keys_unknown"),
    ],
)
def test_the_same_over_the_wire(trouble, kind, code):
    with shop() as town:
        town.place()
        with pytest.raises(kind) as raised:
            town.walked(api=town.opened(trouble))
        assert raised.value.code == code


def test_a_missing_permission_over_the_wire_keeps_the_connection():
    with shop() as town:
        order = town.place(paid=True)
        town.ask("permit", all_but=["Magento_Sales::sales_invoice"])
        with pytest.raises(NeedsAttention) as raised:
            town.order(order["id"])
        assert (raised.value.code, raised.value.subject) == ("permission_missing", "permission:Magento_Sales::sales_invoice")


def test_a_deactivated_integration_asks_for_new_keys():
    with shop() as town:
        town.ask("permit", all_but=[], active=False)
        with pytest.raises(Unauthorised) as raised:
            town.walked()
        assert raised.value.code == "keys_unknown"
        assert "reauthorise" in raised.value.message


# ---- all others --------------------------------------------------------------------------------------------

NO_FIELD = '"%fieldName" is required. Enter and try again.'


@pytest.mark.parametrize(
    ("answer", "kind", "code", "said"),
    [
        (answered(400, NO_FIELD, {"fieldName": "telephone"}), Refused, "refused", '"telephone" is required'),
        (answered(400, '"%fieldName" is not a valid email address.', {"fieldName": "Email"}), Refused, "refused", "at its source"),
        (answered(400, 'Unable to add comment: The status "%1" is not part of the order\n                 status history.', ["x"]),
         Refused, "refused", 'The status "x" is not part of the order status history.'),
        (answered(400, "Decoding error."), Refused, "refused", "Decoding error."),
        (answered(400, "Signature method %1 is not supported", ["HMAC-SHA1"]), Refused, "refused", "HMAC-SHA1"),
        (answered(400, "A customer with the same email address already exists in an associated website."), Conflict, "exists", "already"),
        (answered(400, "Maximum SearchCriteria pageSize is %max", {"max": 300}), Refused, "page_size", "300"),
        (answered(400, "Specified request cannot be processed."), NeedsAttention, "no_store", "store view code"),
        (answered(404, "No such entity with %fieldName = %fieldValue", {"fieldName": "customerId", "fieldValue": 9}), Gone, "gone",
         "customerId = 9"),
        (answered(404, "Request does not match any route."), NeedsAttention, "no_api", "shop address"),
        (answered(404, body="<html>not found</html>"), NeedsAttention, "no_api", "/index.php"),
        (answered(403, body="<html>Forbidden</html>"), Transient, "blocked", "firewall"),
        (answered(405, "x"), NeedsAttention, "no_api", "REST API"),
        (answered(500, "Internal Error. Details are available in Magento log file. Report ID: %1", ["webapi-5a0d"]), Transient,
         "server_error", "webapi-5a0d"),
        (answered(502, body="<html>nginx</html>"), Transient, "server_error", "502"),
        (answered(503, body="<!doctype html><title>503</title>"), Transient, "maintenance", "maintenance"),
        (answered(200, body="<br />Warning: something"), Transient, "not_json_answer", "web page"),
    ],
)  # fmt: skip
def test_each_answer_has_its_class_and_its_sentence(answer, kind, code, said):
    error = classify(answer)
    assert (type(error), error.code) == (kind, code)
    assert said in error.message
    assert "%" not in error.message


def test_a_success_may_be_a_bare_value():
    for body in ('{"items":[]}', "true", '"12"', "[]", ""):
        assert classify(answered(200, body=body)) is None


def test_placeholders_without_a_value_stay_and_nothing_is_evaluated():
    assert shop_says(answered(400, "%a of %1 and %2, %(x)s {0}", ["one"])) == "%a of one and %2, %(x)s {0}"
    assert shop_says(answered(400, "no %fieldName", "text")) == "no %fieldName"


# ---- the trade's own list ----------------------------------------------------------------------------------


def test_rate_limits_in_peak_are_waited_for_as_told_and_pause_the_whole_connection():
    """Magento has none; its host's gateway may: everybody on the connection rests."""
    with shop() as town:
        rests = []

        class Limiter:
            def acquire(self):
                return None

            def pause(self, seconds):
                rests.append(seconds)

        order = town.place(paid=True)
        api = CONNECTOR.open(town.account, plumbing(limiter=Limiter()))
        town.faults({"kind": "status", "status": 429, "path": "/orders", "times": 1, "headers": {"Retry-After": "40"},
                     "body": '{"message":"Too Many Requests","trace":null}'})  # fmt: skip
        with pytest.raises(RateLimited) as raised:
            ORDERS.fetch(api, order["id"])
        assert (raised.value.retry_after, rests) == (40.0, [40.0])
        assert "slow down" in raised.value.message
        assert ORDERS.fetch(api, order["id"])["order"]["increment_id"] == order["number"]


def test_an_address_that_the_shop_would_refuse_is_named_before_anything_is_sent():
    with shop() as town:
        half = Address("Ada", "Lind", "", "1 Quay", "", "", "ON", "K7L 1A1", "CA")
        with pytest.raises(NeedsAttention) as raised:
            CUSTOMERS.create(town.api, Customer(email="ada@lind.example", given_name="Ada", family_name="Lind", billing=half))
        assert (raised.value.code, raised.value.subject) == ("address_incomplete", "address:ada@lind.example")
        assert "lacks a city" in raised.value.message
        assert town.writes() == []


def test_what_only_the_shop_demands_is_its_refusal_with_the_field_named():
    with shop(telephone_required=True) as town:
        home = Address("Ada", "Lind", "", "1 Quay", "", "Kingston", "ON", "K7L 1A1", "CA")
        with pytest.raises(Refused) as raised:
            CUSTOMERS.create(town.api, Customer(email="ada@lind.example", given_name="Ada", family_name="Lind", billing=home))
        assert raised.value.field == "telephone"
        assert "Complete it at its source" in raised.value.message
        assert town.ask("customers")["customers"] == []


def test_a_sku_that_no_shop_knows_is_no_product_and_an_order_row_without_one_is_still_sold():
    with shop() as town:
        with pytest.raises(Gone):
            CONNECTOR.reads["product"].fetch(town.api, "999")
        order = town.place(["CORD-3M", 1])
        for row in town.served.sandbox.state.orders[int(order["id"])]["items"]:
            row.update(sku="", product_id=None)
        (line,) = town.order(order["id"]).lines
        assert (line.sku, line.product_id, line.name) == ("", "", "Cord, 3 m")


def test_a_payment_whose_transaction_the_shop_does_not_know_is_recorded_without_a_reference():
    with shop() as town:
        order = town.place(["CORD-3M", 1], paid=True)
        (payment,) = town.order(order["id"]).transactions
        assert (payment.reference, payment.gateway, payment.amount.text()) == ("", "checkmo", order["total"])


def test_a_lost_answer_to_a_read_is_asked_for_again_and_to_a_write_is_unclear():
    with shop() as town:
        order = town.place(paid=True)
        town.faults({"kind": "drop_before", "method": "GET", "path": "/orders", "times": 2})
        assert town.order(order["id"]).number == order["number"]
        town.faults({"kind": "drop_after", "method": "POST", "path": "/customers", "times": 1})
        with pytest.raises(Unclear):
            CUSTOMERS.create(town.api, Customer(email="once@probe.example", given_name="On", family_name="Ce"))
        assert len(town.ask("customers")["customers"]) == 1
        assert len([call for call in town.writes() if call.endswith("/customers")]) == 1


def test_a_shop_that_cannot_be_reached_is_transient():
    with shop() as town:
        town.served.stop()
        with pytest.raises(Transient) as raised:
            town.walked()
        assert raised.value.code == "not_reached"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_maintenance_leaves_reads_for_later_and_writes_unclear(method):
    with shop() as town:
        town.faults({"kind": "html", "status": 503, "times": -1})
        with pytest.raises(Unclear if method == "POST" else Transient) as raised:
            town.api.call(method, "/orders", json={}, effect=Effect.CREATE if method == "POST" else Effect.READ)
        assert raised.value.code == "maintenance"


def test_a_signed_call_is_never_redirected():
    def build(_url, _options):
        sandbox = Sandbox(None)
        sandbox.route("GET", "/.*", lambda _call: Answer(302, b"", {"Location": "https://elsewhere.example/"}))
        return sandbox

    served = serve(build)
    try:
        api = CONNECTOR.open(Account("moved", served.url, secrets={"consumer_key": "k"}), plumbing())
        with pytest.raises(NeedsAttention) as raised:
            api.get("/orders")
    finally:
        served.stop()
    assert raised.value.code == "redirected"
    assert "elsewhere.example" in raised.value.message


def test_an_answer_about_another_order_is_refused():
    with shop() as town:
        first, second = town.place(), town.place()
        town.served.sandbox.state.orders[int(first["id"])]["entity_id"] = int(second["id"])
        with pytest.raises(Rejected, match="entity_id"):
            town.order(first["id"])


def test_ids_that_are_no_numbers_never_reach_an_address():
    with shop() as town:
        for bad in ("", "7/comments", "../store", "1e3", "٣", "7?x=1"):
            with pytest.raises(Gone):
                ORDERS.fetch(town.api, bad)
        assert town.calls() == []
