"""The door of the Stripe sandbox: keys and permissions, form bodies, idempotent replies, expansion, errors in their one shape."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from urllib.parse import parse_qsl

from connectors.kit.brackets import from_brackets
from connectors.kit.sandbox import Answer, Call, MalformedBody, Sandbox
from connectors.platforms.stripe.sandbox.state import Refusal, Row, Wallet

Handler = Callable[..., Row]
# What stands as an id in an object and where its row is found.
EXPANDABLE = {
    "balance_transaction": "balance_transactions",
    "latest_charge": "charges",
    "charge": "charges",
    "payment_intent": "payment_intents",
    "customer": "customers",
    "invoice": "invoices",
}


def refused(refusal: Refusal) -> Answer:
    error = {"type": refusal.kind, "message": refusal.message}
    error |= {name: value for name, value in (("code", refusal.code), ("param", refusal.param)) if value}
    return Answer.of({"error": error}, refusal.status, {"Request-Id": "req_sandbox"})


def route(sandbox: Sandbox, wallet: Wallet, method: str, pattern: str, handler: Handler) -> None:
    """Serve handler(wallet, fields, **groups); it answers an object or raises Refusal."""

    def answer(call: Call, **groups: str) -> Answer:
        try:
            _admit(wallet, call)
            fields = _fields(call)
            if call.method == "POST" and (key := call.headers.get("idempotency-key")):
                return _once(wallet, call, key, lambda: _done(wallet, handler, fields, groups))
            return _done(wallet, handler, fields, groups)
        except Refusal as refusal:
            return refused(refusal)

    sandbox.route(method, pattern, answer)


def _admit(wallet: Wallet, call: Call) -> None:
    scheme, _, key = call.headers.get("authorization", "").partition(" ")
    if scheme != "Bearer" or key != wallet.key:
        raise Refusal(401, "Invalid API Key provided.", code="")
    what = f"{'read' if call.method == 'GET' else 'write'} {call.path}"
    if any(what.startswith(forbidden) for forbidden in wallet.forbidden):
        raise Refusal(403, "The provided key does not have the required permissions for this endpoint.", code="")


def _fields(call: Call) -> Row:
    try:
        sent = parse_qsl(call.body.decode(), keep_blank_values=True) if call.method != "GET" else call.query
        return from_brackets(list(sent))
    except (ValueError, MalformedBody) as error:
        raise Refusal(400, f"Invalid request: {error}", code="parameter_invalid") from error


def _done(wallet: Wallet, handler: Handler, fields: Row, groups: dict[str, str]) -> Answer:
    found = handler(wallet, fields, **groups)
    for path in fields.get("expand", ()):
        found = _expanded(wallet, found, path.split("."))
    return Answer.of(found, headers={"Request-Id": "req_sandbox"})


def _expanded(wallet: Wallet, found: Row, path: list[str]) -> Row:
    name, rest = path[0], path[1:]
    value = found.get(name)
    if name == "data" and isinstance(value, list):
        return found | {"data": [_expanded(wallet, row, rest) for row in value]}
    if isinstance(value, str) and name in EXPANDABLE:
        value = wallet.tables[EXPANDABLE[name]].get(value, value)
    if rest and isinstance(value, dict):
        value = _expanded(wallet, value, rest)
    return found | {name: value}


def _once(wallet: Wallet, call: Call, key: str, perform: Callable[[], Answer]) -> Answer:
    """The first answer under a key is kept, an error of ours (500) included; validation failures are not."""
    wallet.asked[key] += 1
    print_ = hashlib.sha256(f"{call.path}\n".encode() + call.body).hexdigest()
    if key in wallet.replays:
        known, answer = wallet.replays[key]
        if known != print_:
            message = "Keys for idempotent requests can only be used with the same parameters they were first used with."
            raise Refusal(400, message, kind="idempotency_error")
        return Answer(answer.status, answer.body, {**answer.headers, "Idempotent-Replayed": "true"})
    wallet.request_key = key
    try:
        answer = _failed(wallet) or perform()
    finally:
        wallet.request_key = None
    wallet.replays[key] = (print_, answer)
    return answer


def _failed(wallet: Wallet) -> Answer | None:
    """A failure inside, after the key was taken: it is what every repeat will hear."""
    if not wallet.failing_inside:
        return None
    wallet.failing_inside -= 1
    return refused(Refusal(500, "An unknown error occurred", kind="api_error"))
