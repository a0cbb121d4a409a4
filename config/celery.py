"""The Celery application: a doorbell over a broker that holds no truth."""

from __future__ import annotations

import os

from celery import Celery
from django.conf import settings
from kombu.transport import TRANSPORT_ALIASES

from config.schedule import beat_table

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

# By name, so that only a process that talks to such a broker loads it. (A socket's URL names its transport itself: no setting reaches it.)
TRANSPORT_ALIASES |= dict.fromkeys(("redis", "rediss"), "config.broker_loss:Transport")
TRANSPORT_ALIASES |= {"amqp": "config.rabbitmq:Transport", "amqps": "config.rabbitmq:SecureTransport"}

app = Celery("tillbridge")
app.conf.update(
    broker_url=settings.BROKER_URL,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,  # for ever: a worker that gives up would have to be started by a person
    broker_channel_error_retry=True,  # RabbitMQ takes a message back after half an hour and closes the channel: the worker makes a new one
    worker_consumer="config.broker_loss:Consumer",
    task_ignore_result=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_default_queue=settings.BROKER_QUEUE,
    worker_prefetch_multiplier=1,
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    timezone="UTC",
    beat_schedule=beat_table(settings.SWEEP_SECONDS),
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    beat_max_loop_interval=2,
    imports=("flows.tasks", "credentials.tasks"),
)
if settings.BROKER_URL.startswith(("redis", "rediss")):
    # Bounds for a frozen broker, and a killed worker's messages back within seconds instead of 100 (kombu 5.7).
    app.conf.broker_transport_options = {
        "socket_timeout": 5,
        "socket_connect_timeout": 1,
        "visibility_timeout": 60,
        "unacked_restore_interval": 5,
        "unacked_restore_throttle": 1,
    }
if settings.BROKER_URL.startswith("amqp"):
    app.conf.worker_enable_remote_control = False  # nobody asks workers through the broker, and RabbitMQ gives up on such queues
