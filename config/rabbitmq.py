"""RabbitMQ over connections that wait for an answer as long as we are willing to, and no longer."""

from __future__ import annotations

from typing import Any

from kombu.transport import pyamqp

ANSWER_WITHIN = 5.0  # seconds for RabbitMQ to answer what was asked of it


class Connection(pyamqp.Connection):  # type: ignore[misc]
    """kombu's connection, but a question without an answer is a lost connection.

    Seen with RabbitMQ 3.10 and kombu 5.7: RabbitMQ that is out of memory or disk stops reading from whoever has sent it a message. What is
    asked there next is never answered, and amqp waits for ever: its own read_timeout begins anew each time.
    """

    def drain_events(self, timeout: float | None = None) -> Any:
        try:
            return super().drain_events(ANSWER_WITHIN if timeout is None else timeout)
        except TimeoutError:
            if timeout is None:
                self.collect()  # an answer that comes later must not be taken for another one's
            raise


class Transport(pyamqp.Transport):  # type: ignore[misc]
    """amqp:// over our connection; config.celery names it in kombu's table of transports."""

    Connection = Connection


class SecureTransport(pyamqp.SSLTransport):  # type: ignore[misc]
    """amqps:// likewise."""

    Connection = Connection
