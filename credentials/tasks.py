"""What a web process leaves to a worker: mail to people. Each task takes ids, returns nothing and never raises."""

from __future__ import annotations

import logging

from celery import shared_task

logger = logging.getLogger(__name__)


@shared_task(name="credentials.tasks.mail_reset", ignore_result=True, expires=3600)  # type: ignore[untyped-decorator]
def mail_reset(user_id: int) -> None:
    """Mail the link for a new password."""
    from credentials.people import passwords

    try:
        passwords.mail_reset(user_id)
    except Exception:
        logger.exception("mail_reset failed")


def ask_for_mail_reset(user_id: int) -> None:
    """Whatever a broker can do, the page says the same; the person may ask again."""
    try:
        mail_reset.apply_async(args=[user_id], ignore_result=True, retry=False)
    except Exception as problem:  # noqa: BLE001
        logger.warning("A worker could not be asked to mail a link (%s)", type(problem).__name__)
