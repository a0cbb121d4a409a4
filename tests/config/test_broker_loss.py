"""What kombu and Celery leave undone when the broker goes away (the whole story is told by tests/journeys/test_frozen_broker.py)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from kombu import Connection
from redis.exceptions import ConnectionError as RedisConnectionError

from config.broker_loss import Channel, Consumer, Transport
from config.celery import app


def channel_of(connection: Any) -> Channel:
    made = object.__new__(Channel)  # its own way into life asks the broker
    made.connection = connection
    return made


@pytest.mark.parametrize("url", ["redis://127.0.0.1:1/0", "rediss://127.0.0.1:1/0", "redis+socket:///nowhere/b.sock"])
def test_every_redis_address_gets_our_transport(url: str) -> None:
    assert Connection(url).get_transport_cls() is Transport
    assert Transport.Channel is Channel


def test_the_worker_gets_our_consumer_and_never_gives_up() -> None:
    assert app.conf.worker_consumer == "config.broker_loss:Consumer"
    assert app.conf.broker_connection_max_retries is None


@pytest.mark.parametrize("connection", [None, SimpleNamespace(client=None)], ids=["channel closed", "transport closed"])
def test_a_connection_that_was_given_up_is_a_lost_connection(connection: Any) -> None:
    channel = channel_of(connection)
    with pytest.raises(RedisConnectionError, match="given up"):
        channel._connparams()
    assert issubclass(RedisConnectionError, Transport.connection_errors), "which Celery gets over"
    channel.basic_ack("tag")


def test_a_message_of_a_living_connection_is_acknowledged() -> None:
    acknowledged: list[str] = []
    channel = channel_of(SimpleNamespace(client=object()))
    channel._qos = SimpleNamespace(ack=acknowledged.append)
    channel.basic_ack("tag")
    assert acknowledged == ["tag"]


def test_the_pauses_between_tries_stay_within_a_sweep() -> None:
    asked: dict[str, float] = {}
    given = SimpleNamespace(ensure_connection=lambda *_args, **options: asked.update(options))
    consumer = object.__new__(Consumer)
    consumer.app, consumer.first_connection_attempt = app, False
    consumer.ensure_connected(given)
    assert (asked["interval_start"], asked["interval_step"], asked["interval_max"]) == (0.5, 0.5, 2.0)
