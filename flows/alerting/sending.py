"""One telling over one way, without any retry: mail, Slack's form, or a signed webhook. What came of it is a value, never an exception."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import datetime
from html import escape
from smtplib import SMTPException, SMTPServerDisconnected
from typing import Any
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core import mail

from audit.redaction import remember
from connectors.kit.errors import SyncError, Unclear
from connectors.kit.limits import parse_retry_after
from connectors.kit.plumbing import Effect, Response
from connectors.kit.redact import excerpt
from connectors.kit.signatures import hex_signature
from connectors.kit.wire import exchange, prepare, session_for
from credentials.contacts import addresses_in
from credentials.fields import CannotDecrypt, is_readable
from flows.models import AlertTarget

TIMEOUT = (5.0, 10.0)
SHOWN = 200  # characters of an answer


@dataclass(frozen=True, slots=True)
class Result:
    """sent, or why not. unclear: it may have arrived, and that way knows no repeats; retry_after: seconds, if told."""

    sent: bool
    answer: str
    unclear: bool = False
    retry_after: float | None = None


def send(target: AlertTarget, content: dict[str, Any], key: str, now: datetime) -> Result:
    """Tell it once."""
    try:
        return _mail(target, content) if target.kind == AlertTarget.Kind.EMAIL else _post(target, content, key, now)
    except CannotDecrypt:
        return Result(False, "Its address or secret cannot be decrypted. Enter it again.")


def addresses_of(target: AlertTarget) -> list[str]:
    """The e-mail addresses of a target: its own, else the organization's contacts."""
    return addresses_in(_readable(target.address) or target.organization.contacts)


def shown_address(target: AlertTarget) -> str:
    """Where it goes, as far as everybody may know: the path of a web address is often its password."""
    if not is_readable(target.address):
        return "cannot be decrypted"
    if target.kind == AlertTarget.Kind.EMAIL:
        return ", ".join(addresses_of(target)) or "nobody: the organization has no contacts"
    return f"{urlsplit(target.address).scheme}://{urlsplit(target.address).netloc}/..."


def _readable(value: Any) -> str:
    if not is_readable(value):
        raise CannotDecrypt
    return str(value)


# ---- mail --------------------------------------------------------------------------------------------------


def _mail(target: AlertTarget, content: dict[str, Any]) -> Result:
    """A server that cannot be reached took nothing; after that, an answer that is lost may mean that it was mailed."""
    to = addresses_of(target)
    if not to:
        return Result(False, "Nobody to mail to: enter addresses, or contacts of the organization.")
    server = mail.get_connection()
    try:
        server.open()
    except (OSError, SMTPException) as error:
        return Result(False, f"The mail server cannot be reached ({type(error).__name__}).")
    try:
        mail.EmailMessage(content["subject"], content["text"], to=to, connection=server).send()
    except (OSError, ValueError) as error:
        if isinstance(error, SMTPException) and not isinstance(error, SMTPServerDisconnected):  # the others are answers
            return Result(False, f"The mail server refused it ({excerpt(str(error), SHOWN)}).")
        return Result(False, f"The mail server's answer was lost ({type(error).__name__}).", unclear=True)
    finally:
        server.close()
    return Result(True, f"The mail server took it for {len(to)} address{'' if len(to) == 1 else 'es'}.")


# ---- the web -----------------------------------------------------------------------------------------------


def _post(target: AlertTarget, content: dict[str, Any], key: str, now: datetime) -> Result:
    address, secret = _readable(target.address), _readable(target.secret)
    remember(f"alert target {target.pk}", address)
    body = _body(target, content, key)
    headers = {"Content-Type": "application/json", "Idempotency-Key": key, **(_signed(secret, body) if secret else {})}
    request = requests.Request("POST", address, data=body, headers=headers)
    private = bool(settings.ALLOW_PRIVATE_STORES)
    session = session_for(f"alert-target-{target.pk}", private)
    try:
        response, failure = exchange(session, prepare(session, request, private), TIMEOUT, Effect.CREATE)
    except SyncError as refused:
        response, failure = None, refused
    if response is None:
        return _not_answered(target, failure)
    return _answered(response, (address, secret), now)


def _body(target: AlertTarget, content: dict[str, Any], key: str) -> bytes:
    """Slack reads "text" alone, and takes <...> in it for links and for calls to everybody: names that shops send must not be either."""
    if target.kind == AlertTarget.Kind.SLACK:
        text = escape(f"*{content['subject']}*\n{content['text']}", quote=False)
        return json.dumps({"text": text}).encode()
    return json.dumps({"id": key, **content}, sort_keys=True).encode()


def _signed(secret: str, body: bytes) -> dict[str, str]:
    """HMAC-SHA256 over "<seconds since 1970>.<body>": a receiver refuses what was made long ago."""
    remember(f"alert secret {hash(secret)}", secret)
    at = str(int(time.time()))
    return {"Tillbridge-Timestamp": at, "Tillbridge-Signature": f"v1={hex_signature(secret, at.encode() + b'.' + body)}"}


def _answered(response: Response, secrets: tuple[str, ...], now: datetime) -> Result:
    words = excerpt(response.body, SHOWN, secrets)
    if 200 <= response.status < 300:
        return Result(True, f"It answered {response.status}. {words}".strip())
    if 300 <= response.status < 400:
        return Result(False, f"It answered {response.status} and sends us on to another address. Enter the one that answers directly.")
    wait = parse_retry_after(response.headers.get("retry-after", ""), now)
    return Result(False, f"It answered {response.status}. {words}".strip(), retry_after=wait)


def _not_answered(target: AlertTarget, failure: SyncError | None) -> Result:
    """A webhook tells a repeat by its key; Slack does not."""
    if isinstance(failure, Unclear):
        return Result(False, "It took the message and did not answer.", unclear=target.kind == AlertTarget.Kind.SLACK)
    if failure is not None and failure.code == "address_refused":
        private = "private" in failure.message
        cure = "The installation has to allow private addresses (ALLOW_PRIVATE_STORES)." if private else "Correct the address."
        return Result(False, f"{failure.message.split('. ')[0]}. {cure}")
    codes = {"not_reached": "It could not be reached.", "certificate": "Its certificate is not valid, so nothing was sent."}
    return Result(False, codes.get(failure.code if failure else "", "The connection broke."))
