"""Signed calls: accepted by oauthlib's server side as well as by both releases, with our own encoding and a fresh nonce each time."""

import json
import re
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
import responses
from mag_shop import CUSTOMERS, KEYS, plumbing, shop, well_signed

from connectors.canonical.identity import ObjectType
from connectors.canonical.party import Customer
from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, Refused, Rejected, Transient, Unauthorised
from connectors.kit.sandbox import Answer, Call, Sandbox, serve
from connectors.platforms.magento import CONNECTOR
from connectors.platforms.magento.search import MOST_GROUPS, Filter, search

RELEASES = ("2.4.7", "2.4.8")
each_release = pytest.mark.parametrize("release", RELEASES)


@each_release
def test_everything_that_we_call_pleases_shop_and_referee(release):
    with shop(release=release) as town:
        assert CONNECTOR.probe(town.api).ok
        order = town.place(["BULB/E27 40W", 2], paid=True, txn="txn 1+1=2")
        town.order(order["id"])
        made = CUSTOMERS.create(town.api, Customer(email="ines+test=1@probe.example", given_name="Inès", family_name="Ñandú & Söhne"))
        assert [found.id for found in CUSTOMERS.find(town.api, replace(made, id=""))] == [made.id]
        CUSTOMERS.update(town.api, made.id, replace(made, given_name="I+="))
        for kind in (ObjectType.ORDER, ObjectType.CUSTOMER, ObjectType.PRODUCT):
            assert town.walked(kind)
        assert town.judged.good == len(town.judged.nonces) >= 20
        assert town.judged.bad == []
        assert len(set(town.judged.nonces)) == len(town.judged.nonces)


@each_release
def test_addresses_are_encoded_by_ourselves(release):
    """Blanks as %20, + and = as %2B and %3D, brackets too; nothing of a SKU in a path, and no parameter without a value's sign."""
    with shop(release=release) as town:
        for sku in ("BULB/E27 40W", "a+b", "x=y", "a,b", "ü&?#%"):
            search(town.api, "/products", [[Filter("sku", sku)]], ("entity_id",))
        for target in town.judged.targets:
            path, _, query = target.partition("?")
            assert "%" not in path
            assert re.fullmatch(r"[\w.~%=&-]+", query), query
            assert all(part.count("=") == 1 for part in query.split("&"))
        assert town.judged.bad == []


@each_release
def test_ten_groups_of_filters_are_signed_and_eleven_are_never_sent(release):
    with shop(release=release) as town:
        groups = [[Filter("entity_id", "0", "gt")] for _ in range(MOST_GROUPS)]
        assert MOST_GROUPS == 10
        assert search(town.api, "/orders", groups, ("entity_id",)).total == 0
        with pytest.raises(ValueError, match="at most 10"):
            search(town.api, "/orders", [*groups, groups[0]], ("entity_id",))
        assert len(town.calls()) == 1


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("searchCriteria[filterGroups][0][filters][0][field]=sku&searchCriteria[filterGroups][0][filters][0][value]=a+b", RELEASES),
        ("searchCriteria[filterGroups][0][filters][0][field]=sku&searchCriteria[filterGroups][0][filters][0][value]=a=b", RELEASES),
        ("searchCriteria", ("2.4.7",)),
        ("searchCriteria=", ()),
    ],
)
def test_the_sandbox_shows_the_quirks_that_our_encoding_avoids(query, refused):
    """What a stock client would send is refused as observed: were the rules broken, the tests above would see it."""
    for release in RELEASES:
        with shop(release=release) as town:
            if release in refused:
                with pytest.raises(NeedsAttention) as raised:
                    town.api.get(f"/products?{query}")
                assert raised.value.code == "signature_invalid"
            else:
                assert town.api.get(f"/products?{query}").status == 200


def test_a_slash_in_a_path_is_signed_one_way_per_release():
    """The reason why SKUs never stand in paths: the standard signature passes on 2.4.8 and fails on 2.4.7."""
    with shop(release="2.4.7") as town, pytest.raises(NeedsAttention) as raised:
        town.api.get("/customers/a%2Fb")
    assert raised.value.code == "signature_invalid"
    with shop(release="2.4.8") as town, pytest.raises(Refused, match="type is invalid"):
        town.api.get("/customers/a%2Fb")


def test_each_retry_is_signed_anew():
    with shop() as town:
        town.faults({"kind": "drop_after", "method": "GET", "path": "/orders", "times": 2})
        assert town.walked() == []
        assert len(town.judged.nonces) == len(set(town.judged.nonces)) == 3
        assert town.judged.bad == []


def test_a_nonce_is_good_once_and_a_refused_one_is_sent_anew_even_for_a_create():
    with shop() as town:
        town.faults({"kind": "status", "method": "POST", "path": "/customers", "status": 401,
                     "body": '{"message":"An error occurred validating the nonce"}'})  # fmt: skip
        made = CUSTOMERS.create(town.api, Customer(email="once@probe.example", given_name="On", family_name="Ce"))
        assert [one["id"] for one in town.ask("customers")["customers"]] == [int(made.id)]
        assert town.writes() == ["POST /rest/V1/customers"] * 2


def test_a_clock_that_runs_ahead_is_told_and_is_no_dead_key():
    with shop(clock_behind=700.0) as town, pytest.raises(Transient) as raised:
        town.walked()
    assert raised.value.code == "not_reached"
    assert "clock" in raised.value.message


# ---- activation --------------------------------------------------------------------------------------------


@each_release
def test_an_activation_brings_keys_that_work(release):
    """Callback, request token, access token, a first call; a second exchange and a wrong verifier are refused."""
    with shop(release=release) as town:
        came = town.ask("activate")["posted"]
        way = CONNECTOR.ways["activation"]
        read = way.read(urlencode(came).encode())
        assert (read.base_url, read.consumer_key) == (f"{town.served.url}/", came["oauth_consumer_key"])
        assert came["oauth_consumer_secret"] not in repr(read)
        account = replace(town.account, key="activating", secrets=dict(read.secrets), settings={"auth": "activation"})
        with pytest.raises(Unauthorised, match="do not match"):
            way.exchange(account, "another-verifier", plumbing())
        keys = way.exchange(account, read.verifier, plumbing())
        assert set(keys) == {"consumer_key", "consumer_secret", "access_token", "access_token_secret"}
        assert town.judged.bad == []
        api = CONNECTOR.open(replace(account, secrets=dict(keys)), plumbing())
        assert CONNECTOR.probe(api).ok
        with pytest.raises(Unauthorised, match="signature is invalid"):
            way.exchange(replace(account, secrets={**read.secrets, "consumer_secret": "x"}), read.verifier, plumbing())


@pytest.mark.parametrize("body", [b"", b"oauth_consumer_key=a", b"\xff\xfe", b"oauth_consumer_key=&oauth_verifier=v", b"{}"])
def test_a_callback_that_lacks_something_is_refused(body):
    with pytest.raises(Rejected):
        CONNECTOR.ways["activation"].read(body)


# ---- bearer and Adobe's cloud ------------------------------------------------------------------------------


class Fixed:
    """A token that is renewed once."""

    def __init__(self, *tokens):
        self.tokens, self.renewed = list(tokens), []

    def current(self):
        return self.tokens[0]

    def renew(self, stale):
        self.renewed.append(stale)
        if len(self.tokens) == 1:
            raise Unauthorised("There is no other token.", code="only_token")
        return self.tokens.pop(0)


def test_a_bearer_token_works_where_the_shop_allows_it():
    with shop(bearer=True) as town:
        account = replace(town.account, key="bearer", settings={"auth": "bearer"})
        api = CONNECTOR.open(account, plumbing(tokens=Fixed(account.secrets["access_token"])))
        assert CONNECTOR.probe(api).ok
        assert town.judged.nonces == [], "nothing is signed"


def test_a_bearer_token_that_the_shop_does_not_allow_is_no_reason_to_authorise_anew():
    with shop() as town:
        account = replace(town.account, key="bearer-off", settings={"auth": "bearer"})
        api = CONNECTOR.open(account, plumbing(tokens=Fixed(account.secrets["access_token"])))
        with pytest.raises(NeedsAttention) as raised:
            town.walked(api=api)
        assert raised.value.code == "permission_missing"
        assert "bearer" in raised.value.message


def cloud(seen):
    """Adobe's API host: a tenant in the path, no /rest, scope and keys in headers."""

    def build(_url, _options):
        sandbox = Sandbox(None)

        def answer(call):
            seen.append(call)
            if call.headers.get("authorization") != "Bearer fresh":
                return Answer.of({"error_code": "401013", "message": "Oauth token is not valid"}, 401)
            return Answer.of({"items": [], "total_count": 0})

        sandbox.route("GET", "/tenant-1/V1/.*", answer)
        return sandbox

    return build


def test_adobe_s_cloud_takes_its_token_and_its_keys_in_headers():
    seen = []
    served = serve(cloud(seen))
    try:
        chosen = {"auth": "ims", "organization_id": "7A@AdobeOrg", "store_code": "second"}
        account = Account("ims", f"{served.url}/tenant-1", settings=chosen, secrets={"client_id": "client-1", "client_secret": "secret-1"})
        tokens = Fixed("stale", "fresh")
        api = CONNECTOR.open(account, plumbing(tokens=tokens))
        tokens.renew = lambda stale: tokens.renewed.append(stale) or tokens.tokens.pop(0)
        found = search(api, "/orders", [[Filter("updated_at", "2026-03-02 09:15:00", "gteq")]], ("entity_id",))
    finally:
        served.stop()
    assert (found.total, tokens.renewed) == (0, ["stale"])
    last = seen[-1]
    assert last.path == "/tenant-1/V1/orders"
    names = ("x-api-key", "x-gw-ims-org-id", "store")
    assert [last.headers[name] for name in names] == ["client-1", "7A@AdobeOrg", "second"]
    assert "secret-1" not in str([(call.url, dict(call.headers)) for call in seen])
    assert dict(parse_qsl(last.url.partition("?")[2]))["searchCriteria[currentPage]"] == "1"


def test_the_scopes_of_adobe_s_cloud_are_those_that_it_documents():
    way = CONNECTOR.ways["ims"]
    assert way.token_url == "https://ims-na1.adobelogin.com/ims/token/v3"
    assert way.separator.join(way.scopes) == (
        "openid,AdobeID,email,profile,additional_info.roles,additional_info.projectedProductContext,commerce.accs"
    )


# ---- the probe ---------------------------------------------------------------------------------------------

NEEDED = (
    "Magento_Sales::actions_view",
    "Magento_Sales::comment",
    "Magento_Sales::api_actions",
    "Magento_Sales::sales_invoice",
    "Magento_Sales::sales_creditmemo",
    "Magento_Sales::transactions_fetch",
    "Magento_Customer::customer",
    "Magento_Customer::manage",
    "Magento_Catalog::products",
    "Magento_Backend::store",
)


@pytest.mark.parametrize("resource", NEEDED)
def test_the_probe_names_the_permission_that_is_missing(resource):
    with shop() as town:
        town.ask("permit", all_but=[resource])
        found = CONNECTOR.probe(town.api)
        assert len(found.problems) == 1
        assert resource in found.problems[0]
        assert "tick that resource" in found.problems[0]
        assert town.ask("orders")["orders"] == []
        assert town.ask("customers")["customers"] == []


def test_the_probe_names_every_one_of_several_and_writes_nothing():
    with shop() as town:
        order = town.place(paid=True)
        before = (town.shown(order["id"]), town.notes(order["id"]))
        town.ask("permit", only=[])
        found = CONNECTOR.probe(town.api)
        assert sorted(problem.split("permission ")[1].split(".")[0] for problem in found.problems) == sorted(NEEDED)
        town.ask("permit")
        assert CONNECTOR.probe(town.api).ok
        assert (town.shown(order["id"]), town.notes(order["id"])) == before


def test_the_probe_says_which_stores_there_are_and_takes_the_chosen_view():
    with shop() as town:
        assert CONNECTOR.probe(town.api).facts["stores"] == "1 = default, 2 = second"
        found = CONNECTOR.probe(town.opened(store_code="second"))
        assert (found.ids["store_id"], found.currency, found.time_zone) == ("2", "CAD", "America/Toronto")
        assert any(call.startswith("GET /rest/second/V1/") for call in town.calls())
        wrong = CONNECTOR.probe(town.opened(store_code="nostore"))
        assert wrong.problems == ("The shop does not know this store view code. Correct the code on the connection, or leave it empty.",)


def behind_a_proxy(web, sees, allowed=True):
    """A shop at an https address that checks signatures for the scheme that it sees."""

    def answer(request):
        call = Call(request.method, request.path_url.partition("?")[0], (), {"authorization": request.headers["Authorization"]}, b"",
                    request.path_url)  # fmt: skip
        if not well_signed(call, f"{sees}://shop.example", KEYS["consumer_secret"], KEYS["access_token_secret"]):
            return 401, {}, json.dumps({"message": "The signature is invalid. Verify and try again."})
        if not allowed:
            refusal = {
                "message": "The consumer isn't authorized to access %resources.",
                "parameters": {"resources": "Magento_Backend::store"},
            }
            return 401, {}, json.dumps(refusal)
        return 200, {}, "[]" if "storeConfigs" in request.url else json.dumps({"items": [], "total_count": 0})

    for method in ("GET", "POST", "PUT"):
        web.add_callback(method, re.compile(".*"), callback=answer)


@pytest.mark.parametrize(("sees", "allowed", "told"), [("https", True, ""), ("http", True, "offloader"), ("http", False, "offloader")])
def test_a_proxy_that_ends_tls_is_told_from_wrong_secrets(sees, allowed, told):
    account = Account(f"proxy-{sees}-{allowed}", "https://shop.example", secrets=dict(KEYS))
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        behind_a_proxy(web, sees, allowed)
        problems = CONNECTOR.probe(CONNECTOR.open(account, plumbing())).problems
        wrong = replace(account, key=f"{account.key}-wrong", secrets={**KEYS, "consumer_secret": "wrong"})
        otherwise = CONNECTOR.probe(CONNECTOR.open(wrong, plumbing())).problems
    assert len(problems) == (1 if told else 0)
    assert all(told in problem and "keys are right" in problem for problem in problems)
    assert ["Check the consumer secret" in problem for problem in otherwise] == [True]
