"""The key hand-over at /wc-auth/v1: login, the merchant's approval, keys sent to the callback, the way back."""

from __future__ import annotations

import hashlib
import hmac
from html import escape
from ipaddress import ip_address
from urllib.parse import urlencode, urlsplit

import requests

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.woocommerce.sandbox.auth import new_key
from connectors.platforms.woocommerce.sandbox.deliveries import may_reach, outside_lock
from connectors.platforms.woocommerce.sandbox.model import Key
from connectors.platforms.woocommerce.sandbox.state import WP_VERSION, Shop
from connectors.platforms.woocommerce.sandbox.wire import encode

_FIELDS = ("app_name", "user_id", "return_url", "callback_url", "scope")
_SCOPES = ("read", "write", "read_write")
_COOKIE = "wordpress_logged_in=merchant"
CALLBACK_TIMEOUT = 60


class _Denied(Exception):
    """WooCommerce answers every mistake here with an HTML page and 401."""


def hand_over(shop: Shop, call: Call) -> Answer:
    """Everything below /wc-auth/v1/."""
    step = call.path.strip("/").split("/")[2:3]
    try:
        params = _params(shop, call)
        if step == ["login"]:
            return _login(shop, call, params)
        if shop.switches.login_form and _COOKIE not in call.headers.get("cookie", ""):
            return _redirect(f"{shop.home}/wc-auth/v1/login/?{urlencode(params)}")
        if step == ["authorize"]:
            return _page("Application authentication request", _approval(shop, params))
        if step == ["access_granted"]:
            return _grant(shop, call, params)
    except _Denied as denial:
        return _page("Access denied", f"<h1>Access denied</h1><p>{escape(str(denial))}</p>", 401)
    return _page("Page not found", "<h1>Page not found</h1>", 404)


def _params(shop: Shop, call: Call) -> dict[str, str]:
    """The five mandatory parameters, checked; an address without a scheme becomes https."""
    params = {name: call.parameter(name) for name in _FIELDS}
    for name, value in params.items():
        if not value:
            raise _Denied(f"Missing parameter {name}")
    if params["scope"] not in _SCOPES:
        raise _Denied(f"Invalid scope {params['scope']}")
    for name in ("return_url", "callback_url"):
        if "://" not in params[name]:
            params[name] = f"https://{params[name]}"
    callback = urlsplit(params["callback_url"])
    if callback.scheme != "https" and not (shop.switches.http_callback and _is_loopback(callback.hostname or "")):
        raise _Denied("The callback_url needs to be over SSL")
    return params


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _nonce(shop: Shop, params: dict[str, str]) -> str:
    return hmac.new(shop.home.encode(), urlencode(params).encode(), hashlib.sha256).hexdigest()[:10]


def _login(shop: Shop, call: Call, params: dict[str, str]) -> Answer:
    if call.method != "POST":
        form = '<form method="post"><input name="username"><input name="password" type="password"><button>Login</button></form>'
        return _page("Application authentication request", form)
    target = f"{shop.home}/wc-auth/v1/authorize/?{urlencode(params)}"
    return Answer(302, b"", {"Location": target, "Set-Cookie": f"{_COOKIE}; Path=/; HttpOnly"})


def _approval(shop: Shop, params: dict[str, str]) -> str:
    grant = f"{shop.home}/wc-auth/v1/access_granted/?{urlencode({**params, 'wc_auth_nonce': _nonce(shop, params)})}"
    deny = _return_url(params, success=False)
    name = escape(params["app_name"])
    return (
        f'<h1>{name} would like to connect to your store</h1><p>This will give "{name}" {escape(params["scope"])} access.</p>'
        f'<p><a class="wc-auth-approve" href="{escape(grant)}">Approve</a> '
        f'<a class="wc-auth-deny" href="{escape(deny)}">Deny</a></p>'
    )


def _grant(shop: Shop, call: Call, params: dict[str, str]) -> Answer:
    """Keys go server to server before the browser does; unless the callback says exactly 200 they are taken back."""
    if not hmac.compare_digest(call.parameter("wc_auth_nonce").encode(), _nonce(shop, params).encode()):
        raise _Denied("Invalid nonce verification")
    key = new_key(shop, params["scope"])
    with outside_lock(shop):
        status = _send_keys(shop, params, key)
    if status != 200:
        del shop.keys[key.consumer_key]
        raise _Denied("An error occurred in the request and at the time were unable to send the consumer data")
    return _redirect(_return_url(params, success=True))


def _send_keys(shop: Shop, params: dict[str, str], key: Key) -> int:
    """No signature and no store address: user_id is all that ties it to a request (observed)."""
    if not may_reach(shop, params["callback_url"]):
        return 0
    body = encode(
        {
            "key_id": key.id,
            "user_id": params["user_id"],
            "consumer_key": key.consumer_key,
            "consumer_secret": key.consumer_secret,
            "key_permissions": key.permissions,
        }
    )
    headers = {"Content-Type": "application/json;charset=UTF-8", "User-Agent": f"WordPress/{WP_VERSION}; {shop.home}"}
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.post(params["callback_url"], data=body, headers=headers, timeout=CALLBACK_TIMEOUT).status_code
        except requests.RequestException:
            return 0


def _return_url(params: dict[str, str], *, success: bool) -> str:
    """The return address with its own query string kept."""
    joint = "&" if urlsplit(params["return_url"]).query else "?"
    return f"{params['return_url']}{joint}{urlencode({'success': int(success), 'user_id': params['user_id']})}"


def _redirect(url: str) -> Answer:
    return Answer(302, b"", {"Location": url})


def _page(title: str, inner: str, status: int = 200) -> Answer:
    page = f"<!DOCTYPE html><html><head><title>{title}</title></head><body>{inner}</body></html>"
    return Answer(status, page.encode(), {"Content-Type": "text/html; charset=UTF-8"})
