"""What each answer of the shop means: the table from status and text to the class of error.

Magento has no error codes; its texts are fixed English with placeholders, translated only on a shop that translates them. 401
stands for dead keys, for a missing permission, for a wrong signature and for a repeated nonce (observed with 2.4.7-p6 and
2.4.8-p1), so only what certainly means dead keys asks for new ones.
"""

from __future__ import annotations

import re

from connectors.kit.errors import Conflict, Gone, NeedsAttention, Refused, Rejected, SyncError, Transient, Unauthorised
from connectors.kit.http import Response
from connectors.kit.tame import Tame

_PLACEHOLDER = re.compile(r"%(\w+)")
_BLANKS = re.compile(r"\s+")

_CLOCK = (
    "The shop does not accept the time or the number on our call. If this goes on, this machine's clock runs more than ten minutes ahead: "
    "set it right."
)
SIGNATURE = (
    "The shop says that our signature is invalid. Check the consumer secret and the access token secret on the connection; if they are "
    "right, Magento sees another address than we call: behind a proxy that ends TLS, set the offloader header (config path "
    "web/secure/offloader_header)."
)
_DEAD = (
    "The shop does not know our keys any more: the integration was deleted, deactivated or authorised anew. Open System > Extensions > "
    "Integrations in Magento, activate or reauthorise the integration, and enter its four keys on the connection."
)
_NO_KEYS = (
    "The shop did not accept our keys. Check them on the connection and that the integration is active under System > Extensions > "
    "Integrations in Magento."
)
_NO_API = (
    "There is no Magento REST API at this address. Check the shop address of the connection; a shop without URL rewriting needs /index.php "
    "behind it."
)
_NO_STORE = "The shop does not know this store view code. Correct the code on the connection, or leave it empty."
_BLOCKED = (
    "Something in front of the shop (a firewall, a security extension or a CDN) blocks our call. Ask the shop's host to let calls to "
    "/rest/ through."
)


def classify(response: Response) -> SyncError | None:
    """The error that an answer stands for, None for a success. 429 never gets here."""
    status = response.status
    if status < 300:
        return None if _looks_like_json(response) else _web_page()
    if status < 400:
        return None  # the kit refuses redirects
    if status >= 500:
        return _server_side(response)
    if status == 401:
        return _unauthorised(response)
    if status == 403:
        return Transient(_BLOCKED, code="blocked")  # Magento itself says 401; firewalls often let the next call pass
    if status == 404:
        return _missing(response)
    return _client_side(response)


def shop_says(response: Response) -> str:
    """The message with its placeholders filled and its line breaks and doubled blanks smoothed, "" when there is none."""
    try:
        body = response.json()
        text = body.get("message").text_or()
        return _BLANKS.sub(" ", _filled(text, body.get("parameters"))).strip()[:400]
    except Rejected:
        return ""


def _filled(text: str, parameters: Tame) -> str:
    """%fieldName from an object of parameters, %1 from a list."""

    def fill(match: re.Match[str]) -> str:
        values = parameters.value
        name = match[1]
        if isinstance(values, dict) and name in values:
            return str(values[name])
        if isinstance(values, list) and name.isdigit() and 0 < int(name) <= len(values):
            return str(values[int(name) - 1])
        return match[0]

    return _PLACEHOLDER.sub(fill, text)


def missing_resource(response: Response) -> str:
    """The ACL resource that a 401 names ("Magento_Sales::comment"), "" when it names none."""
    try:
        parameters = response.json().get("parameters")
        return str(parameters.value.get("resources", "")) if isinstance(parameters.value, dict) else ""
    except Rejected:
        return ""


def _unauthorised(response: Response) -> SyncError:
    said = shop_says(response)
    if resource := missing_resource(response):
        return NeedsAttention(
            f"The shop refuses this for want of the permission {resource}. Open the integration under System > Extensions > Integrations "
            "in Magento, tick that resource (and those above it) under API, save and reauthorise; enter the keys that Magento shows then "
            "on the connection, and retry. If all permissions are there, the keys are sent as a bearer token and the shop has those "
            "switched off.",
            code="permission_missing",
            subject=f"permission:{resource}",
        )
    if "nonce" in said or "timestamp" in said.lower():
        return Transient(_CLOCK, code="not_reached")  # refused before anything was done: even a create is signed and sent anew
    if "signature is invalid" in said.lower():
        return NeedsAttention(SIGNATURE, code="signature_invalid")
    if "consumer" in said.lower() or "token" in said.lower():
        return Unauthorised(f"{_DEAD} The shop says: {said}", code="keys_unknown")
    return Unauthorised(_NO_KEYS, code="keys_refused")


def _missing(response: Response) -> SyncError:
    said = shop_says(response)
    if "does not match any route" in said:
        return NeedsAttention(_NO_API, code="no_api")
    if said:
        return Gone(f"The shop has no such object (any more). The shop says: {said}", code="gone")
    return NeedsAttention(_NO_API, code="no_api")


def _server_side(response: Response) -> SyncError:
    """Maintenance answers 503 with a web page; a 500 names a report in the shop's log."""
    if response.status == 503:
        return Transient("The shop is in maintenance mode or overloaded; it is tried again.", code="maintenance")
    said = shop_says(response)
    return Transient(f"The shop answered with an error of its own ({response.status}). {said}".strip(), code="server_error")


def _client_side(response: Response) -> SyncError:
    status, said = response.status, shop_says(response)
    if status in (408, 425):
        return Transient("The shop took too long.", code="slow")
    if status == 405:
        return NeedsAttention(_NO_API, code="no_api")
    if said == "Specified request cannot be processed.":
        return NeedsAttention(_NO_STORE, code="no_store")
    if "already exists" in said:
        return Conflict(f"The shop has such an object already. The shop says: {said}", code="exists")
    if "pageSize" in said:
        return Refused(f"The shop lists fewer rows at a time. The shop says: {said}", code="page_size", field=_most(response))
    return Refused(_sentence(said), code="refused", field=_culprit(response))


def _sentence(said: str) -> str:
    """An address that Magento does not take is the most common refusal; its text names the field only."""
    if "is required" in said or "is not a valid" in said.lower() or "invalid value" in said.lower():
        return f"The shop refused a value: {said} Complete it at its source, then retry."
    return f"The shop refused the call. The shop says: {said}" if said else "The shop refused the call."


def _most(response: Response) -> str:
    """The page size that the shop allows."""
    try:
        parameters = response.json().get("parameters")
        return str(parameters.get("max").integer())
    except Rejected:
        return ""


def _culprit(response: Response) -> str:
    try:
        parameters = response.json().get("parameters")
        found = parameters.value.get("fieldName", "") if isinstance(parameters.value, dict) else ""
    except Rejected:
        return ""
    return str(found)[:80]


def _looks_like_json(response: Response) -> bool:
    """Answers are objects, lists, or bare values: true, "12"."""
    return response.body.lstrip()[:1] != b"<" if response.body.strip() else True


def _web_page() -> Transient:
    return Transient(
        "The shop answered with a web page instead of facts, as it does when an extension prints into its answers.", code="not_json_answer"
    )
