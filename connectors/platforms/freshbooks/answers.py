"""What a FreshBooks answer means: every error shape that its families use, and the table from errno and status to class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

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
from connectors.kit.redact import excerpt
from connectors.kit.tame import Tame

ACCESS_DENIED, DELETED, UNKNOWN, READ_ONLY, INACTIVE = 1003, 1011, 1012, 1038, 1042
BEING_CHANGED, SERVER_FAULT = 409, 500
# "You do not have access to ...": items, vendors, bills, bill payments; they come with status 200 as well as 403.
NO_FEATURE = frozenset({12001, 31001, 41001, 41101})
# What is wrong with the number itself, as opposed to "taken": required, type, length.
NUMBER_MALFORMED = frozenset({1001, 1005, 1006, 1015, 1017, READ_ONLY})


@dataclass(frozen=True, slots=True)
class Problem:
    """One error of an answer; errno is 0 and the texts are "" where the family does not tell."""

    errno: int
    message: str
    field: str = ""
    about: str = ""


def classify(response: Response) -> SyncError | None:
    """The error that an answer stands for, or None for a success. 200 with an error body is an error."""
    if not response.body.strip():
        return _by_status(response.status, Problem(0, "")) if response.status >= 400 else None
    try:
        body = response.json("answer")
        problems = tuple(_problems(body))
    except Rejected:
        return _not_json(response)
    if problems:
        return _class_of(response.status, problems[0])
    return _by_status(response.status, Problem(0, "")) if response.status >= 400 else None


def _not_json(response: Response) -> SyncError | None:
    if response.status == 401:
        return Unauthorised("FreshBooks refused our access token. Connect the account again.")
    if 300 <= response.status < 400:
        return None
    return Transient(
        f"FreshBooks answered with a page instead of data (status {response.status}). It will be tried again.", code="not_json"
    )


# ---- reading the shapes ------------------------------------------------------------------------------------


def _problems(body: Tame) -> Iterator[Problem]:
    if not isinstance(body.value, dict):
        return
    if "response" in body:
        yield from _accounting(body["response"])
    elif "details" in body and "code" in body:
        yield from _rpc(body)
    elif "errno" in body:
        yield from _numbered(body)
    elif "errors" in body:
        yield from _business(body["errors"])
    elif "error" in body:
        yield _auth(body)
    elif "error_type" in body:
        yield Problem(0, _text(body.get("message")))


def _text(value: Tame) -> str:
    """Any scalar as text on one safe line, "" for null and for what is no scalar."""
    return "" if value.value is None or isinstance(value.value, (dict, list)) else excerpt(str(value.value), 300)


def _number(value: Tame) -> int:
    try:
        return value.integer()
    except Rejected:
        return 0


def _objects(value: Tame) -> Iterator[Tame]:
    """The objects of a list, or the one object that stands where a list should be (seen with errors)."""
    for item in value.items() if isinstance(value.value, list) else iter((value,)):
        if isinstance(item.value, dict):
            yield item


def _accounting(inner: Tame) -> Iterator[Problem]:
    if "errors" not in inner:
        return
    for error in _objects(inner["errors"]):
        yield Problem(_number(error.get("errno")), _text(error.get("message")), _text(error.get("field")), _text(error.get("object")))


def _rpc(body: Tame) -> Iterator[Problem]:
    """google.rpc.Status: the useful text is in the details' metadata, the errno in their reason."""
    found = False
    for detail in _objects(body["details"]):
        about = detail.get("metadata")
        if isinstance(about.value, dict):
            found = True
            text = _text(about.get("message")) or _text(body.get("message"))
            yield Problem(_number(detail.get("reason")), text, _text(about.get("field")), _text(about.get("object")))
        for broken in _objects(detail.get("fieldViolations")):
            found = True
            yield Problem(0, _text(broken.get("description")), _text(broken.get("field")))
    if not found:
        yield Problem(0, _text(body.get("message")))


def _numbered(body: Tame) -> Iterator[Problem]:
    """Events and projects: errno is the status there, and the useful text may be a list of strings."""
    details = body.get("details").value
    more = "; ".join(excerpt(str(part), 200) for part in details[:5]) if isinstance(details, list) else ""
    title = body.get("error")
    text = _text(body.get("message")) or (_text(title.get("title")) if isinstance(title.value, dict) else _text(title))
    yield Problem(_number(body["errno"]), f"{text} {more}".strip())


def _business(errors: Tame) -> Iterator[Problem]:
    for error in _objects(errors):
        details = [detail for detail in _objects(error.get("details")) if detail.value]
        about = details[0].get("metadata") if details else error
        about = about if isinstance(about.value, dict) else error
        yield Problem(0, _text(about.get("message")) or _text(error.get("message")), _text(about.get("field")))


def _auth(body: Tame) -> Problem:
    return Problem(0, _text(body.get("error_description")) or _text(body["error"]), "", _text(body["error"]))


# ---- deciding ----------------------------------------------------------------------------------------------


def _said(problem: Problem) -> str:
    number = f" (error {problem.errno})" if problem.errno else ""
    where = f" [{problem.field}]" if problem.field else ""
    return f"{problem.message or 'no reason given'}{where}{number}"


def _class_of(status: int, problem: Problem) -> SyncError:
    errno = problem.errno
    if status == 401 or problem.about in ("unauthenticated", "invalid_token"):
        return _by_status(401, problem)
    if problem.field == "invoice_number" and errno not in NUMBER_MALFORMED and status < 500:
        return Conflict(f"FreshBooks has an invoice with this number already: {_said(problem)}.", code="number_taken")
    special = _by_errno(status, problem)
    if special is not None:
        return special
    if status < 400:  # the errno decides where the status does not: events use the status as errno
        return _by_status(errno if 400 <= errno < 600 else 422, problem)
    return _by_status(status, problem)


def _by_errno(status: int, problem: Problem) -> SyncError | None:
    """What an errno says whatever the status is; None for those that say no more than the status."""
    errno = problem.errno
    if errno in NO_FEATURE:
        return NeedsAttention(
            f"FreshBooks does not let this account use a feature: {_said(problem)}. "
            "Check the plan, and that the connected person is an owner or admin of the business.",
            code="no_feature",
        )
    if errno == INACTIVE:
        return NeedsAttention(
            f"The FreshBooks account is not active: {_said(problem)}. Reactivate it, then retry.", code="account_inactive"
        )
    if errno == READ_ONLY:
        return Refused(f"FreshBooks refused to write a field: {_said(problem)}.", code="read_only", field=problem.field)
    if errno in (UNKNOWN, DELETED):
        return _missing(status, problem)
    if errno == ACCESS_DENIED:
        return _by_status(403, problem)
    if errno == SERVER_FAULT:
        return _by_status(500, problem)
    if errno == BEING_CHANGED:
        return _by_status(409, problem)
    return None


def _missing(status: int, problem: Problem) -> SyncError:
    if problem.about == "account" or problem.message.lower().startswith("account not found"):
        return NeedsAttention(
            f"FreshBooks does not know this account: {_said(problem)}. Connect it again and choose the business.",
            code="account_unknown",
        )
    if status in (404, 410) or status < 400:
        return Gone(f"FreshBooks does not have this (any more): {_said(problem)}.")
    return Refused(f"FreshBooks refused it: {_said(problem)}.", code="reference_missing", field=problem.field)


def _by_status(status: int, problem: Problem) -> SyncError:
    said = _said(problem)
    if status == 401:
        return Unauthorised(f"FreshBooks refused our access token: {said}. Connect the account again.")
    if status in (402, 403):
        return NeedsAttention(
            f"FreshBooks does not allow this: {said}. The connected person needs to be an owner or admin of the business "
            "(a client's login can read but not write), and the app needs the scopes named in its set-up.",
            code="not_permitted",
        )
    if status in (404, 410):
        return Gone(f"FreshBooks does not have this (any more): {said}.")
    if status == 409 and "modified" not in problem.message.lower():
        return Conflict(f"FreshBooks has this already: {said}.")
    if status >= 500 or status in (408, 409, 423, 425):
        return Transient(f"FreshBooks could not do it just now: {said}. It will be tried again.")
    return Refused(f"FreshBooks refused it: {said}.", field=problem.field)
