"""What each answer of Shopify means. Nearly everything comes with status 200, so the body decides."""

from __future__ import annotations

from connectors.kit.errors import NeedsAttention, RateLimited, Refused, Rejected, SyncError, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.kit.tame import Tame

TOO_DEAR = "MAX_COST_EXCEEDED"
LONGEST_WAIT = 60.0

_UNKNOWN = (
    "Shopify does not accept our access token: it has expired or was revoked, or the app was uninstalled. Connect the shop again on the"
    " connection's page, or enter a new token."
)
_FORBIDDEN = (
    "Shopify refuses our access token ({words}). Apps of the App Store need expiring tokens: connect the shop again on the connection's"
    " page. Otherwise check that the app is installed."
)
_NO_SHOP = "There is no Shopify shop at this address. Enter the address that ends in .myshopify.com (Settings > Domains in Shopify)."
_FROZEN = "The shop is {state} at Shopify, so it cannot be read. Its owner has to settle that with Shopify; then it goes on by itself."


def classify(response: Response) -> SyncError | None:
    """The error that an answer stands for, None for a success. Partial data beside errors is an error, never half an order."""
    status = response.status
    if 300 <= status < 400:
        return None  # the kit refuses redirects
    if status >= 500:
        return Transient(f"Shopify answered with an error of its own ({status}).", code="server_error")
    if status >= 400:
        return _refused(status, response)
    try:
        body = response.json()
    except Rejected:
        return Transient("Shopify answered with something that is not JSON, as during maintenance.", code="not_json_answer")
    if "errors" in body and body["errors"].value:
        return _errors(body)
    return None


def _refused(status: int, response: Response) -> SyncError | None:
    if status == 401:
        return Unauthorised(_UNKNOWN, code="token_refused")
    if status == 403:
        return Unauthorised(_FORBIDDEN.format(words=_words(response) or "403"), code="forbidden")
    if status == 404:
        return NeedsAttention(_NO_SHOP, code="no_shop")
    if status in (402, 423):
        return Transient(_FROZEN.format(state="frozen" if status == 402 else "locked"), code="shop_closed")
    if status in (408, 425, 430):
        return Transient("Shopify put us off for the moment.", code="put_off")
    return Refused(f"Shopify refused the call ({status}). {_words(response)}".strip(), code=str(status))


def _words(response: Response) -> str:
    """`errors` as text; on 401, 403 and 404 it is a plain string rather than a list (seen in practice)."""
    try:
        found = response.json().get("errors")
        return found.text()[:200] if isinstance(found.value, str) else ""
    except Rejected:
        return ""


def _errors(body: Tame) -> SyncError:
    errors = body["errors"]
    if isinstance(errors.value, str):
        return Rejected(f"Shopify says: {errors.value[:300]}", code="graphql")
    first = next(errors.items(), None)
    if first is None:
        return Rejected(f"{errors.path}: expected a list of errors", code="malformed")
    codes = [_code(error) for error in errors.items()]
    words = first.get("message").text_or()[:300]
    if "THROTTLED" in codes:
        return RateLimited("Shopify's points for this shop are used up for the moment.", retry_after=wait_for(body), code="throttled")
    if TOO_DEAR in codes:
        return Refused(f"Shopify finds the query too expensive: {words}", code=TOO_DEAR)
    if "ACCESS_DENIED" in codes:
        return NeedsAttention(
            f"The app lacks a permission: {words} Give it the scopes that the platform's page here names, then connect again.",
            code="scope_missing",
        )
    if "INTERNAL_SERVER_ERROR" in codes:
        return Transient(f"Shopify had an error of its own: {words}", code="server_error")
    return Rejected(f"Shopify refused the query: {words}", code=codes[0] or "graphql")


def _code(error: Tame) -> str:
    extensions = error.get("extensions")
    return "" if extensions.is_null else extensions.get("code").text_or()


def wait_for(body: Tame) -> float:
    """Seconds until the bucket holds what this query wanted."""
    try:
        cost = body["extensions"]["cost"]
        status = cost["throttleStatus"]
        missing = cost["requestedQueryCost"].decimal() - status["currentlyAvailable"].decimal()
        return min(max(float(missing) / max(float(status["restoreRate"].decimal()), 1.0), 0.1), LONGEST_WAIT)
    except Rejected:
        return 2.0
