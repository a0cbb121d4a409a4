"""What each answer of the shop means: the table from status and code to the class of error.

Messages of WordPress are localised, so only status and `code` decide (observed with WooCommerce 11.0.1 and 8.2.0).
"""

from __future__ import annotations

from connectors.kit.errors import (
    Conflict,
    Gone,
    NeedsAttention,
    Refused,
    Rejected,
    SyncError,
    Transient,
    Unauthorised,
)
from connectors.kit.http import Response
from connectors.kit.tame import Tame

# A missing object answers 404 to GET and DELETE, but 400 to PUT with the same code.
_GONE = frozenset(
    {
        "woocommerce_rest_shop_order_invalid_id",
        "woocommerce_rest_order_invalid_id",
        "woocommerce_rest_product_invalid_id",
        "woocommerce_rest_product_variation_invalid_id",
        "woocommerce_rest_shop_webhook_invalid_id",
        "wc_user_invalid_id",
        "woocommerce_rest_invalid_id",
    }
)
_CONFLICT = frozenset({"product_invalid_sku", "registration-error-email-exists"})
CANNOT_VIEW = "woocommerce_rest_cannot_view"

_KEYS_NOT_SEEN = (
    "The shop does not accept our keys: the key is unknown or was deleted, or the web server strips the Authorization"
    " header, or WordPress does not see that the call came over https. Make a new key under WooCommerce > Settings >"
    " Advanced > REST API, or choose another way to sign in on the connection."
)
_KEYS_REFUSED = (
    "The shop refuses our keys. Check the consumer secret and that the key has read/write permission under WooCommerce"
    " > Settings > Advanced > REST API."
)
_KEYS_FORBIDDEN = (
    "The user that the key belongs to may not do this. Make the key for an administrator or a shop manager under"
    " WooCommerce > Settings > Advanced > REST API."
)
_NO_API = (
    "There is no WooCommerce REST API at this address. Check the shop address of the connection, that WooCommerce is"
    " active, and that Settings > Permalinks in WordPress is not set to plain."
)
_BLOCKED = (
    "Something in front of the shop (a firewall, security plugin or CDN) blocks our call. Ask the shop's host to let"
    " calls to /wp-json/wc/ through."
)


def classify(response: Response) -> SyncError | None:
    """The error that an answer stands for, None for a success. 429 never gets here."""
    status, code = response.status, error_code(response)
    if status < 300:
        return None if _looks_like_json(response) else _web_page()
    if status < 400:
        return None  # the kit refuses redirects, without showing the keys that may be in their target
    if code in _GONE:
        return Gone("The shop has no such object (any more).", code=code)
    if status >= 500:
        return _server_side(status, code, response)
    if status in (401, 403):
        return _unauthorised(status, code, response)
    return _client_side(status, code, response)


def error_code(response: Response) -> str:
    """The `code` of a WordPress error, "" when the body is none."""
    try:
        return response.json().get("code").text_or()
    except Rejected:
        return ""


def _server_side(status: int, code: str, response: Response) -> SyncError:
    if status == 501:
        # ModSecurity answers 501 to writes (WooCommerce REST docs); WooCommerce itself for deletes without force.
        return Refused(_said("The shop cannot do this.", response), code=code) if code else NeedsAttention(_BLOCKED, code="blocked")
    if code == "woocommerce_rest_cannot_create_order_refund":
        return Refused(_said("The shop refused the refund.", response), code=code)
    return Transient(f"The shop answered with an error of its own ({status}).", code=code or "server_error")


def _unauthorised(status: int, code: str, response: Response) -> SyncError:
    if status == 401:
        if code == CANNOT_VIEW:
            return Unauthorised(_KEYS_NOT_SEEN, code=code)
        return Unauthorised(_said(_KEYS_REFUSED, response), code=code)
    if code:
        return Unauthorised(_KEYS_FORBIDDEN, code=code)
    return Transient(_BLOCKED, code="blocked")  # firewalls often let the next call pass


def _client_side(status: int, code: str, response: Response) -> SyncError:
    if status in (408, 425):
        return Transient("The shop took too long.", code="slow")
    if code in _CONFLICT:
        return Conflict(_said("The shop has such an object already.", response), code=code)
    if status in (404, 405, 410):
        return NeedsAttention(_NO_API, code=code or "no_api")
    return Refused(_said("The shop refused the call.", response), code=code, field=_culprit(response))


def _looks_like_json(response: Response) -> bool:
    return not response.body.strip() or response.body.lstrip()[:1] in (b"{", b"[")


def _web_page() -> Transient:
    return Transient(
        "The shop answered with a web page instead of facts, as it does during maintenance or when a plugin prints warnings.",
        code="not_json_answer",
    )


def _said(sentence: str, response: Response) -> str:
    """The sentence with the shop's own words behind it."""
    try:
        words = response.json().get("message").text_or()
    except Rejected:
        return sentence
    return f"{sentence} The shop says: {words[:300]}" if words else sentence


def _culprit(response: Response) -> str:
    """The first refused field: `data.params` is an object for bad values, a list for missing ones."""
    try:
        params = response.json().get("data").get("params")
    except Rejected:
        return ""
    if isinstance(params.value, dict):
        return str(next(iter(params.value), ""))
    return _first_text(params)


def _first_text(names: Tame) -> str:
    return str(names.value[0]) if isinstance(names.value, list) and names.value else ""
