"""What can go wrong with a record, by what has to happen next. The class decides, never the text.

Every message is a sentence for a bookkeeper: what happened, why, and what to do.
"""

from __future__ import annotations

from datetime import datetime


class SyncError(Exception):
    """Base of all outcomes that are not success. code is stable and machine-readable ("sku_unmapped")."""

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or type(self).__name__.lower()


class Transient(SyncError):
    """Will probably work later: network, 5xx, a lock on the other side. Back-off, the try is counted."""


class RateLimited(SyncError):
    """The platform asked us to wait. retry_after in seconds; the try is not counted."""

    def __init__(self, message: str, *, retry_after: float, code: str = "") -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after


class Busy(SyncError):
    """Another job is at work on something that this one needs. retry_after in seconds; not counted. since: aware UTC, when that other
    work began where nothing says that it goes on; a wait that lasts too long is told.
    """

    def __init__(self, message: str, *, retry_after: float = 1.0, code: str = "", since: datetime | None = None) -> None:
        super().__init__(message, code=code)
        self.retry_after = retry_after
        self.since = since


class Unclear(SyncError):
    """A write left us and its answer did not come: it may or may not have happened. Settle, search, adopt or repeat."""


class Unauthorised(SyncError):
    """The platform refused our credentials and a refresh did not help. The connection needs reauthorisation."""


class NeedsAttention(SyncError):
    """A person has to decide or map something; the message says what to click.

    subject names the thing ("sku:MUG-XL", "tax:GST") so that saving its mapping can release the jobs that wait for it.
    """

    def __init__(self, message: str, *, code: str = "", subject: str = "") -> None:
        super().__init__(message, code=code)
        self.subject = subject


class Rejected(SyncError):
    """Malformed or impossible: will never work as it is. Dead letter with the raw evidence."""


class NothingToDo(SyncError):
    """Nothing to write, and why."""


class PartOf(NothingToDo):
    """This object belongs to another one of its kind, which says all there is to say: look at that one (its source id) instead."""

    def __init__(self, message: str, *, whole: str, code: str = "part_of") -> None:
        super().__init__(message, code=code)
        self.whole = whole


class Gone(SyncError):
    """The object does not exist (any more) on its platform."""


class Conflict(SyncError):
    """The platform says that such an object (same number) exists already: look it up and adopt it."""


class Refused(SyncError):
    """A write was understood and refused by validation. field names the culprit where the platform tells."""

    def __init__(self, message: str, *, code: str = "", field: str = "") -> None:
        super().__init__(message, code=code)
        self.field = field


class BadSignature(Exception):
    """A webhook is not from whom it says. Answer 401, count it, store nothing."""
