"""What a Celery process does when its broker goes away: it goes on with its work and comes back as soon as the broker does."""

from __future__ import annotations

from functools import partial
from typing import Any

from celery.worker.consumer import Consumer as CeleryConsumer
from kombu import Connection
from kombu.transport import redis as kombu_redis
from redis.exceptions import ConnectionError as RedisConnectionError

# Seconds between two tries to reach the broker again; Celery's own grow to 30, and the promise is one sweep.
FIRST_PAUSE, LONGER_BY, LONGEST_PAUSE = 0.5, 0.5, 2.0


class Channel(kombu_redis.Channel):  # type: ignore[misc]
    """kombu's channel, but a connection that was given up is a lost connection.

    Seen with kombu 5.7 and Celery 5.7: when Redis goes away while a task runs, Celery closes the connection twice. The first close
    is cut short by the read under way, the second wants to put the task's message back and asks a transport that has no client any
    more: AttributeError, which Celery takes for a defect and ends the worker. So does acknowledging that message after the task's end.
    """

    @property
    def given_up(self) -> bool:
        return self.connection is None or self.connection.client is None

    def _connparams(self, asynchronous: bool = False) -> Any:
        if self.given_up:
            raise RedisConnectionError("this connection to the broker was given up")
        return super()._connparams(asynchronous=asynchronous)

    def basic_ack(self, delivery_tag: str, multiple: bool = False) -> None:
        """The message of a lost connection is the broker's again: it may ring once more, which does no harm."""
        if not self.given_up:
            super().basic_ack(delivery_tag, multiple=multiple)


class Transport(kombu_redis.Transport):  # type: ignore[misc]
    """Redis over our channel; config.celery names it in kombu's table of transports."""

    Channel = Channel


class Consumer(CeleryConsumer):  # type: ignore[misc]
    """The worker's consumer, with short pauses between its tries to reach the broker again."""

    def ensure_connected(self, conn: Connection) -> Connection:
        conn.ensure_connection = partial(
            conn.ensure_connection, interval_start=FIRST_PAUSE, interval_step=LONGER_BY, interval_max=LONGEST_PAUSE
        )
        return super().ensure_connected(conn)
