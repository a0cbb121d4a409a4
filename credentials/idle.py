"""Connections that nothing was read from for a week: their access is renewed, so that no refresh token runs out unused."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from connectors.kit.contract import OAuth2
from connectors.kit.errors import SyncError
from credentials.accounts import way_of
from credentials.grants import REFRESH
from credentials.models import Connection, Secret
from credentials.tokens import StoredTokens

logger = logging.getLogger(__name__)
IDLE = timedelta(days=7)
Status = Connection.Status


def refresh_idle(now: datetime) -> int:
    """Renew the access of every connection whose refresh token lay still for a week; paused ones too, for the day of their resuming.

    Returns how many were renewed. A refusal marks the connection and its alert; other trouble is left to the next time.
    """
    idle = Secret.objects.filter(name=REFRESH, updated_at__lt=now - IDLE, connection__status__in=[Status.ACTIVE, Status.PAUSED])
    return sum(_renewed(secret.connection) for secret in idle.select_related("connection").defer("value"))


def _renewed(connection: Connection) -> bool:
    if not isinstance(way_of(connection), OAuth2):
        return False
    tokens = StoredTokens(connection)
    try:
        tokens.renew(tokens.stored())
    except SyncError as problem:
        logger.warning("the idle connection %s could not be refreshed: %s", connection.pk, problem.message)
        return False
    return True
