"""The guard against calling into our own network: resolve once, check every address, connect to a checked one.

The name is resolved here and the socket goes to the address that was checked, so a name that answers differently the second
time gains nothing. Host header, SNI and certificate stay those of the name.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
import threading
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.connection import create_connection

from connectors.kit.errors import NeedsAttention

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part) for part in text.split())


# What a shop in one's own house may live on; reached only when the installation allows private addresses.
_LAN = _networks("127.0.0.0/8 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 ::1/128 fc00::/7")

# Never reached, LAN or not. ipaddress.is_global cannot be asked: it calls NAT64, 6to4, IPv4-compatible, fec0::/10 and 192.0.0.9
# global (observed with Python 3.11.7). 168.63.129.16 and fd00:ec2::/32 are metadata services of clouds.
_NEVER = _networks(
    "0.0.0.0/8 169.254.0.0/16 192.0.0.0/24 192.0.2.0/24 192.88.99.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24"
    " 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"
    " 2001::/23 2001:db8::/32 2002::/16 3fff::/20 fd00:ec2::/32"
)
_GLOBAL_IPV6 = ipaddress.ip_network("2000::/3")  # all else is special: mapped, NAT64, link-local, site-local, multicast, unspecified
_OPEN_PORTS = (80, 443)
MOST_POOLS = 4  # that one adapter keeps; urllib3 closes a pool when nobody holds it any more


def _within(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)


def is_allowed(address: str, allow_private: bool) -> bool:
    """Whether a resolved address may be connected to. Anything that is not a plain address is not."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if _within(parsed, _NEVER):
        return False
    if _within(parsed, _LAN):
        return allow_private
    return parsed.version == 4 or parsed in _GLOBAL_IPV6


def _refuse(reason: str, what: str) -> NeedsAttention:
    return NeedsAttention(f"The address was not called: {reason}. {what}", code="address_refused")


def check_url(url: str, allow_private: bool) -> None:
    """Raise NeedsAttention unless the address is plain http or https, without user name and on a usual port."""
    correct = "Correct the address of the connection."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refuse("it is not a valid address", correct) from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _refuse("only http and https addresses with a host name can be", correct)
    if "@" in (found := authority(url)) or "\\" in found or any(ord(mark) <= 32 for mark in found):
        raise _refuse("it holds a user name or characters that do not belong in an address", correct)
    if port is not None and port < 1024 and port not in _OPEN_PORTS and not allow_private:
        raise _refuse(f"port {port} is not one that a shop answers on", correct)


def authority(url: str) -> str:
    """Scheme, host and port of an address, as they are written."""
    return "/".join(url.split("/", 3)[:3])


def checked_addresses(host: str, port: int, allow_private: bool) -> list[str]:
    """The addresses of a host, looked up once; NeedsAttention when any of them is not to be reached from here."""
    found = socket.getaddrinfo(host.strip("[]"), port, socket.AF_UNSPEC, socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    if not all(is_allowed(address, allow_private) for address in addresses):
        raise _refuse(
            f"{host[:100]} leads to an address that is private or reserved",
            "If this shop really is in your own network, the installation has to allow private addresses.",
        )
    return addresses


def _connect(connection: HTTPConnection, allow_private: bool) -> socket.socket:
    """What urllib3's _new_conn does, with our resolver; the errors are the ones that urllib3 raises."""
    try:
        addresses = checked_addresses(connection._dns_host, connection.port, allow_private)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except UnicodeError as error:
        raise _refuse("its host name is not a valid one", "Correct the address of the connection.") from error
    problem: OSError = OSError("the name has no address")
    for address in addresses:
        try:
            made = create_connection(
                (address, connection.port),
                connection.timeout,
                source_address=connection.source_address,
                socket_options=connection.socket_options,
            )
        except OSError as error:
            problem = error
            continue
        sys.audit("http.client.connect", connection, connection.host, connection.port)
        return made
    if isinstance(problem, TimeoutError):
        raise ConnectTimeoutError(connection, f"Connection to {connection.host} timed out.") from problem
    raise NewConnectionError(connection, f"Failed to establish a new connection: {problem}") from problem


_door = threading.local()


@contextmanager
def at_the_door(may_leave: Callable[[], None] | None) -> Iterator[None]:
    """While inside, may_leave is called by this thread right before any bytes of a request leave; it stops them by raising.

    Earlier is too early: with dozens of threads there is time enough between a look at a lease and the socket for the
    whole process to be stopped, the lease to run out, and another worker to do the same.
    """
    _door.may_leave = may_leave
    try:
        yield
    finally:
        _door.may_leave = None


class _Watched(HTTPConnection):
    def send(self, data: Any) -> None:
        if may_leave := getattr(_door, "may_leave", None):
            may_leave()
        super().send(data)


class _PublicHTTP(_Watched):
    def _new_conn(self) -> socket.socket:
        return _connect(self, allow_private=False)


class _PublicHTTPS(_Watched, HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, allow_private=False)


class _LocalHTTP(_Watched):
    def _new_conn(self) -> socket.socket:
        return _connect(self, allow_private=True)


class _LocalHTTPS(_Watched, HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self, allow_private=True)


def _pools(plain: type[HTTPConnection], secure: type[HTTPSConnection]) -> dict[str, type[HTTPConnectionPool]]:
    http = type("GuardedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain})
    https = type("GuardedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure})
    return {"http": http, "https": https}


class GuardedAdapter(HTTPAdapter):
    """An adapter that refuses private, loopback, link-local and tunnelled addresses.

    allow_private opens loopback and the LAN ranges only; link-local (cloud metadata), multicast and tunnels stay closed.
    """

    def __init__(self, *, allow_private: bool, **options: Any) -> None:
        self.allow_private = allow_private
        self._pools: dict[Hashable, Any] = {}
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)  # type: ignore[no-untyped-call,unused-ignore]
        classes = (_LocalHTTP, _LocalHTTPS) if self.allow_private else (_PublicHTTP, _PublicHTTPS)
        self.poolmanager.pool_classes_by_scheme = _pools(*classes)

    def get_connection_with_tls_context(self, request: PreparedRequest, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        """The pool of the request's host. A session calls one or two hosts, and requests works out anew each time which pool is theirs."""
        if proxies or cert:
            return super().get_connection_with_tls_context(request, verify, proxies, cert)
        key = (authority(request.url or ""), verify)
        pool = self._pools.get(key)
        if pool is None:
            if len(self._pools) >= MOST_POOLS:
                self._pools.clear()
            self._pools[key] = pool = super().get_connection_with_tls_context(request, verify)
        return pool

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Path and query as they were signed: there is no proxy."""
        return request.path_url

    def close(self) -> None:
        self._pools.clear()
        super().close()
