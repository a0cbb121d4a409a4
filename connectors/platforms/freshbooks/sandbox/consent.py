"""The consent page of the FreshBooks sandbox: GET shows it, POST is the person's click."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import urlencode, urlsplit

from connectors.kit.sandbox import Answer, Call
from connectors.platforms.freshbooks.sandbox.oauth import Grants

LOOPBACK = ("127.0.0.1", "localhost", "::1")
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>FreshBooks sandbox: authorise</title>
<style>body{{font:16px system-ui;max-width:36rem;margin:4rem auto;padding:0 1rem}}
button{{font:inherit;padding:.5rem 1rem;margin-right:1rem}}
li{{font-family:monospace}}</style></head><body><h1>Allow access to the sandbox books?</h1>
<p>An app wants to work with the books of the FreshBooks sandbox:</p><ul>{scopes}</ul>
<form method="post" action="/oauth/authorize">{fields}<button name="decision" value="allow">Allow</button>
<button name="decision" value="deny">Deny</button></form></body></html>"""
_KEPT = ("client_id", "redirect_uri", "scope", "state", "response_type")


def _html(page: str, status: int = 200) -> Answer:
    return Answer(status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})


def _problem(grants: Grants, fields: Mapping[str, str]) -> Answer | None:
    """Why the page cannot be shown. An unknown client is a bare 500 at FreshBooks (seen live)."""
    switches = grants.world.switches
    if fields.get("client_id") != switches.client_id:
        return _html("<h1>500 Internal Server Error</h1>", 500)
    uri = fields.get("redirect_uri", "")
    try:
        parts = urlsplit(uri)
    except ValueError:
        return _html("<h1>The redirect URI is not an address.</h1>", 400)
    loopback = switches.redirects == "loopback" and parts.scheme == "http" and parts.hostname in LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or loopback):
        return _html("<h1>The redirect URI must be https.</h1>", 400)
    if parts.query or parts.fragment:
        return _html("<h1>The redirect URI must not contain a query string.</h1>", 400)
    if switches.redirect_uris and uri not in switches.redirect_uris:
        return _html("<h1>The redirect URI is not registered.</h1>", 400)
    if fields.get("response_type") != "code":
        return _html("<h1>The response type must be code.</h1>", 400)
    return None


def _back(fields: Mapping[str, str], found: Mapping[str, str]) -> Answer:
    query = {**found, **({"state": fields["state"]} if fields.get("state") else {})}
    return Answer(302, b"", {"Location": f"{fields['redirect_uri']}?{urlencode(query)}"})


def _granted(grants: Grants, fields: Mapping[str, str]) -> Answer:
    code = grants.issue_code(fields["client_id"], fields["redirect_uri"], fields.get("scope", ""))
    return _back(fields, {"code": code})


def consent_page(grants: Grants) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        fields = dict(call.query)
        problem = _problem(grants, fields)
        if problem:
            return problem
        if grants.world.switches.auto_consent:
            return _granted(grants, fields)
        scopes = (fields.get("scope") or grants.world.switches.default_scopes).split()
        inputs = "".join(f'<input type="hidden" name="{name}" value="{escape(fields.get(name, ""))}">' for name in _KEPT)
        return _html(_PAGE.format(scopes="".join(f"<li>{escape(scope)}</li>" for scope in scopes), fields=inputs))

    return answer


def consent_click(grants: Grants) -> Callable[[Call], Answer]:
    def answer(call: Call) -> Answer:
        fields = call.form()
        problem = _problem(grants, fields)
        if problem:
            return problem
        if fields.get("decision") == "allow":
            return _granted(grants, fields)
        return _back(fields, {"error": "access_denied", "error_description": "The resource owner denied the request."})

    return answer
