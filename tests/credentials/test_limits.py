"""The shared rate limit: exact over threads, told to stop, and never hanging on a Redis that is away."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.db import connection as database
from django.test import override_settings

from connectors.kit.contract import RateLimit
from connectors.kit.errors import RateLimited
from credentials import limits
from credentials.buckets import redis_url
from credentials.limits import SharedLimiter, limiter_for
from credentials.models import Connection, Organization, RateBucket

THREADS = 8


@pytest.fixture
def shop(db: None) -> Connection:
    organization = Organization.objects.create(name="Ada Ltd", slug="ada")
    return Connection.objects.create(organization=organization, platform="shopette", label="Shop")


@pytest.fixture
def frozen_server() -> Iterator[str]:
    """Accepts connections and never says a word, as a stopped process does."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(16)
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


@pytest.fixture(params=["redis", "row"])
def place(request: pytest.FixtureRequest) -> Iterator[str]:
    """Both places of the bucket; Redis only where one answers."""
    url = settings.LIMITER_URL if request.param == "redis" else ""
    if request.param == "redis" and not url.startswith("redis://"):
        pytest.skip("no Redis here")
    with override_settings(LIMITER_URL=url):
        yield request.param


@pytest.mark.django_db(transaction=True)
def test_eight_threads_get_the_rate_and_no_more(shop: Connection, place: str) -> None:
    rate, burst, seconds = 40.0, 10, 2.0
    limiter = limiter_for(shop, RateLimit(per_second=rate, burst=burst))
    until, calls, failures = time.monotonic() + seconds, [], []

    def call() -> None:
        try:
            while time.monotonic() < until:
                limiter.acquire()
                calls.append(time.monotonic())
        except BaseException as error:  # noqa: BLE001 - a failure in a thread must fail the test
            failures.append(error)
        finally:
            database.close()

    threads = [threading.Thread(target=call) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    inside = [moment for moment in calls if moment <= until]
    ideal = rate * seconds + burst
    assert len(inside) <= ideal + 1
    assert len(inside) >= 0.5 * ideal  # all of it where the machine has nothing else to do
    assert RateBucket.objects.filter(key=str(shop.key)).exists() == (place == "row")


@pytest.mark.django_db
def test_a_long_wait_is_handed_back(shop: Connection, place: str) -> None:
    slept: list[float] = []
    limiter = SharedLimiter(str(shop.key), limits.Pace(every=3.0, burst=1), sleep=slept.append)
    limiter.acquire()
    limiter.acquire()
    with pytest.raises(RateLimited) as refused:
        limiter.acquire()
    assert 5.5 < refused.value.retry_after <= 6.0
    with pytest.raises(RateLimited) as again:  # a refusal takes no moment away
        limiter.acquire()
    assert again.value.retry_after <= refused.value.retry_after
    assert len(slept) == 1
    assert 2.5 < slept[0] <= 3.0


@pytest.mark.django_db
def test_a_pause_stops_everyone_then_goes_on_one_by_one(shop: Connection, place: str) -> None:
    rate = RateLimit(per_second=50, burst=20)
    limiter_for(shop, rate).pause(0.3)
    started = time.monotonic()
    other_worker = limiter_for(shop, rate)
    for _ in range(6):
        other_worker.acquire()
    assert 0.3 + 5 / 50 - 0.03 <= time.monotonic() - started < 1.0
    limiter_for(shop, rate).pause(30)
    with pytest.raises(RateLimited) as refused:
        other_worker.acquire()
    assert 29 < refused.value.retry_after < 32


@pytest.mark.django_db
def test_a_pause_while_asleep_voids_the_moment(shop: Connection, place: str) -> None:
    pace = limits.Pace(every=0.05, burst=1)
    key = str(shop.key)

    def told_to_stop(_seconds: float) -> None:
        SharedLimiter(key, pace).pause(60)

    SharedLimiter(key, pace).acquire()
    with pytest.raises(RateLimited) as refused:
        SharedLimiter(key, pace, sleep=told_to_stop).acquire()
    assert refused.value.retry_after > 55


@pytest.mark.django_db
def test_a_frozen_redis_delays_one_call_by_half_a_second(shop: Connection, frozen_server: str) -> None:
    rate = RateLimit(per_second=100, burst=50)
    with override_settings(LIMITER_URL=frozen_server):
        started = time.monotonic()
        for _ in range(20):
            limiter_for(shop, rate).acquire()
        assert time.monotonic() - started < 1.5
    assert RateBucket.objects.get().key == str(shop.key)


@pytest.mark.django_db
@pytest.mark.parametrize("url", ["redis://127.0.0.1:9/0", "redis+socket:///nowhere/broker.sock"])
def test_without_redis_the_row_counts(shop: Connection, url: str) -> None:
    with override_settings(LIMITER_URL=url):
        limiter_for(shop, RateLimit(per_second=1, burst=1)).acquire()
    assert RateBucket.objects.get().due > time.time()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("chosen", "every", "burst"),
    [
        ({}, 0.25, 8),
        ({"rate_per_second": "2", "rate_burst": 3}, 0.5, 3),
        ({"rate_per_second": 0, "rate_burst": "many"}, 0.25, 8),
        ({"rate_per_second": "nan", "rate_burst": -1}, 0.25, 8),
    ],
)
def test_settings_of_the_connection_win(shop: Connection, chosen: dict[str, object], every: float, burst: int) -> None:
    shop.settings = chosen
    limiter = limiter_for(shop, RateLimit(per_second=4, burst=8))
    assert isinstance(limiter, SharedLimiter)
    assert (limiter.pace.every, limiter.pace.burst) == (every, burst)


@pytest.mark.django_db
def test_very_high_rates_are_not_counted_until_the_platform_says_stop(shop: Connection, place: str) -> None:
    rate = RateLimit(per_second=1000, burst=1)
    limiter, other_worker = limiter_for(shop, rate), limiter_for(shop, rate)
    for _ in range(50):
        limiter.acquire()
    assert not RateBucket.objects.exists()
    limiter.pause(60)
    for each in (limiter, other_worker):
        with pytest.raises(RateLimited) as refused:
            each.acquire()
        assert 55 < refused.value.retry_after <= 61


@pytest.mark.django_db
def test_another_process_sees_the_stop_when_it_looks_again(shop: Connection, place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rate = RateLimit(per_second=1000, burst=1)
    monkeypatch.setattr(limits, "_glances", {str(shop.key): (time.monotonic(), False)})  # it has just looked
    SharedLimiter(str(shop.key), limits.Pace(every=0.001, burst=1)).pause(60)  # another process was told
    limiter = limiter_for(shop, rate)
    monkeypatch.setattr(limits, "GLANCE_SECONDS", 3600)
    limiter.acquire()  # its last look still holds
    monkeypatch.setattr(limits, "GLANCE_SECONDS", 0)
    with pytest.raises(RateLimited):
        limiter.acquire()


CALLER = """
import sys, time
import django
django.setup()
from credentials.buckets import Pace
from credentials.limits import SharedLimiter, Uncounted
counted = SharedLimiter(sys.argv[1], Pace(float(sys.argv[2]), 20))
limiter = Uncounted(counted) if sys.argv[3] == "uncounted" else counted
until = time.time() + float(sys.argv[4])
while time.time() < until:
    limiter.acquire()
    print(time.time(), flush=True)
    time.sleep(0.005)
"""


@pytest.mark.parametrize("kind", ["counted", "uncounted"])
def test_a_stop_told_to_this_process_stops_the_other_ones(kind: str) -> None:
    if not settings.LIMITER_URL.startswith("redis://"):
        pytest.skip("no Redis here")
    key, pace = f"two-processes-{secrets.token_hex(4)}", limits.Pace(every=0.001, burst=20)
    environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "BROKER_URL": settings.LIMITER_URL}
    arguments = [sys.executable, "-c", CALLER, key, str(pace.every), kind, "4.0"]
    with subprocess.Popen(arguments, env=environ, cwd=settings.BASE_DIR, text=True, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        first = float(other.stdout.readline())
        SharedLimiter(key, pace).pause(1.5)
        told = time.time()
        calls = [first, *(float(line) for line in other.stdout)]
    assert other.returncode == 0
    late = [moment for moment in calls if told + limits.GLANCE_SECONDS + 0.1 < moment < told + 1.4]
    assert late == []
    assert [moment for moment in calls if moment > told + 1.5], "it goes on afterwards"


def test_the_brokers_socket_address_is_understood() -> None:
    assert redis_url("redis+socket:///run/a/b.sock") == "unix:///run/a/b.sock?db=0"
    assert redis_url("redis+socket:///run/b.sock?virtual_host=3") == "unix:///run/b.sock?db=3"
    assert redis_url("redis://h:1/2") == "redis://h:1/2"
