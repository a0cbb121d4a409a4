"""The guard against calling into our own network: hostile addresses, a changing resolver, and a listener that counts."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from connectors.kit import network
from connectors.kit.account import Account
from connectors.kit.errors import NeedsAttention, Transient
from connectors.kit.http import Api, Effect, Exchange, Plumbing, session_for

PORT = "{port}"
LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "017700000001",
    "0177.0.0.1",
    "0177.0.0.01",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[::ffff:0:127.0.0.1]",
]
ELSEWHERE = [
    "10.0.0.1",
    "10.255.255.255",
    "0xa000001",
    "167772161",
    "172.16.0.1",
    "172.31.255.254",
    "192.168.0.1",
    "192.168.1.254",
    "100.64.0.1",
    "100.127.255.254",
    "100.100.100.200",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "169.254.0.1",
    "192.0.0.9",
    "192.0.2.1",
    "198.18.0.1",
    "198.51.100.7",
    "203.0.113.9",
    "192.88.99.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "[64:ff9b::7f00:1]",
    "[64:ff9b::a00:1]",
    "[64:ff9b:1::1]",
    "[2002:7f00:1::]",
    "[2002:c0a8:101::1]",
    "[2001:0:4136:e378:8000:63bf:3fff:fdd2]",
    "[2001:db8::1]",
    "[3fff::1]",
    "[fe80::1]",
    "[fe80::1%25lo]",
    "[fec0::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[ff02::1]",
    "[::ffff:169.254.169.254]",
    "[::ffff:10.0.0.1]",
    "[100::1]",
]
TRICKS = [
    "http://user@127.0.0.1:{port}/", "http://shop.example@127.0.0.1:{port}/", "http://shop.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@shop.example/", "http://127.0.0.1:{port}#@shop.example/", "http://127.0.0.1:{port}?@shop.example/",
    "http://127.0.0.1\t:{port}/", "http://127.0.0.1:{port}\r\nHost: shop.example/", "http:///127.0.0.1:{port}/", "//127.0.0.1:{port}/",
    "ftp://127.0.0.1:{port}/", "file:///etc/hostname", "gopher://127.0.0.1:{port}/_x", "dict://127.0.0.1:{port}/", "javascript:1",
    "unix:///run/broker.sock", "http://", "https://:{port}", "http://[::1", "http://[v1.x]:{port}/", "http://127.0.0.1:99999/",
    "http://shop.example:22/", "http://shop.example:25/", "http://shop.example:1/", "http://。/", "http://127。0。0。1:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/", "http://%31%32%37.0.0.1:{port}/", "http://" + "a" * 70 + ":{port}/", "http://./",
]  # fmt: skip
HOSTILE = [f"http://{host}:{PORT}/" for host in LOOPBACK + ELSEWHERE] + TRICKS


class Canary:
    """A listener on loopback that counts who connects."""

    def __init__(self) -> None:
        self.hits = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._listen, daemon=True)
        self.thread.start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.hits += 1
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.close()

    def close(self) -> None:
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


@pytest.fixture
def canary() -> Iterator[Canary]:
    listener = Canary()
    yield listener
    listener.close()


def call(url: str, *, allow_private: bool = False, record: list[Exchange] | None = None) -> int:
    log: list[Exchange] = [] if record is None else record
    plumbing = Plumbing(allow_private=allow_private, sleep=lambda _: None, record=log.append)
    base, _, path = url.partition("/?") if "/?" in url else (url.rstrip("/"), "", "")
    api = Api(Account("network-test", base), base, lambda _response: None, plumbing, timeout=(1.0, 2.0))
    return api.call("GET", "/" + path, effect=Effect.CREATE).status


def test_there_are_more_than_sixty_spellings() -> None:
    assert len(set(HOSTILE)) >= 90


@pytest.mark.parametrize("spelling", HOSTILE)
def test_hostile_addresses_are_refused_without_a_connection(spelling: str, canary: Canary) -> None:
    url = spelling.replace(PORT, str(canary.port))
    with pytest.raises((NeedsAttention, Transient)) as caught:
        call(url)
    if isinstance(caught.value, Transient):  # a spelling that no resolver knows: nothing was reached either
        assert caught.value.code == "not_reached"
        assert "127.0.0.1" not in spelling
    else:
        assert caught.value.code == "address_refused"
    assert canary.hits == 0


@pytest.mark.parametrize("host", [host for host in LOOPBACK + ELSEWHERE if host != "localhost."])
def test_each_address_literal_is_refused_by_the_address_itself(host: str) -> None:
    bare = host.strip("[]").replace("%25", "%")
    try:
        with pytest.raises(NeedsAttention):
            network.checked_addresses(bare, 443, allow_private=False)
    except socket.gaierror:
        pytest.fail(f"{bare} is not resolvable here, so the table proves nothing about it")


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "192.0.1.1", "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1"])
def test_public_addresses_pass(address: str) -> None:
    assert network.is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "172.20.0.4", "192.168.7.7", "100.64.1.1", "fd12::1"])
def test_a_house_network_opens_with_the_switch_only(address: str) -> None:
    assert network.is_allowed(address, allow_private=True)
    assert not network.is_allowed(address, allow_private=False)


@pytest.mark.parametrize("address", ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "::", "::ffff:127.0.0.1", "224.0.0.1", "fe80::1", "x"])
def test_metadata_and_tunnels_stay_closed_with_the_switch(address: str) -> None:
    assert not network.is_allowed(address, allow_private=True)


def test_the_switch_reaches_loopback(canary: Canary) -> None:
    assert call(f"http://127.0.0.1:{canary.port}", allow_private=True) == 200
    assert canary.hits == 1


def answers(monkeypatch: pytest.MonkeyPatch, *rounds: list[str]) -> list[str]:
    """A resolver that gives the next round of addresses at each look-up of shop.example."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *rest: object, **more: object) -> object:
        if host != "shop.example":
            return real(host, port, *rest, **more)  # type: ignore[arg-type]
        found = rounds[min(len(asked), len(rounds) - 1)]
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return asked


def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    answers(monkeypatch, ["127.0.0.1"])
    log: list[Exchange] = []
    with pytest.raises(NeedsAttention, match="leads to an address that is private"):
        call(f"http://shop.example:{canary.port}", record=log)
    assert canary.hits == 0
    assert [entry.status for entry in log] == [0]
    assert "private" in log[0].error


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    answers(monkeypatch, ["93.184.216.34", "127.0.0.1"])
    with pytest.raises(NeedsAttention):
        call(f"http://shop.example:{canary.port}")
    assert canary.hits == 0


def test_a_name_is_looked_up_once_and_the_checked_address_is_used(monkeypatch: pytest.MonkeyPatch, canary: Canary) -> None:
    """Rebinding: public at the first look-up, loopback ever after. The socket goes to what was checked, each try checks anew."""
    asked = answers(monkeypatch, ["93.184.216.34"], ["127.0.0.1"])
    reached: list[str] = []

    def connect(address: tuple[str, int], *_rest: object, **_more: object) -> socket.socket:
        reached.append(address[0])
        raise ConnectionRefusedError

    monkeypatch.setattr(network, "create_connection", connect)
    with pytest.raises(NeedsAttention):
        call(f"http://shop.example:{canary.port}")
    assert reached == ["93.184.216.34"]
    assert len(asked) == 2  # one per try, none between check and connect
    assert canary.hits == 0


def test_the_host_header_stays_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, ["127.0.0.1"])
    seen: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        seen.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        connection.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    port = server.getsockname()[1]
    assert call(f"http://shop.example:{port}", allow_private=True) == 204
    thread.join(2)
    server.close()
    assert f"Host: shop.example:{port}".encode() in seen[0]


def test_a_redirect_inside_is_not_followed(canary: Canary) -> None:
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = server.accept()
        connection.recv(4096)
        target = f"http://127.0.0.1:{canary.port}/"
        connection.sendall(f"HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\n\r\n".encode())
        connection.close()

    threading.Thread(target=serve, daemon=True).start()
    with pytest.raises(NeedsAttention) as caught:
        call(f"http://127.0.0.1:{server.getsockname()[1]}", allow_private=True)
    server.close()
    assert caught.value.code == "redirected"
    assert canary.hits == 0


# ---- certificates ------------------------------------------------------------------------------------------


def certificate(name: str, folder: Path) -> Path:
    """A self-signed certificate with its key, good for this one name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    today = datetime.now(UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{name}.pem"
    form = serialization.PrivateFormat.PKCS8
    private = key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())
    path.write_bytes(built.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize(("of", "accepted"), [("shop.example", True), ("other.example", False)])
def test_the_certificate_must_be_of_the_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, of: str, accepted: bool) -> None:
    """The socket goes to a checked number, SNI and certificate are still those of the name."""
    answers(monkeypatch, ["127.0.0.1"])
    file = certificate(of, tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    names: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    received: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = server.accept()
                with contextlib.suppress(OSError), context.wrap_socket(raw, server_side=True) as secure:
                    received.append(secure.recv(4096))
                    secure.sendall(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")

    threading.Thread(target=serve, daemon=True).start()
    url = f"https://shop.example:{server.getsockname()[1]}"
    key = f"tls-{of}-{tmp_path}"
    monkeypatch.setattr(session_for(key, True), "verify", str(file))
    api = Api(Account(key, url), url, lambda _: None, Plumbing(allow_private=True, sleep=lambda _: None), timeout=(2.0, 2.0))
    if accepted:
        assert api.call("POST", "/x", effect=Effect.CREATE).status == 204
        assert len(received) == 1
    else:
        with pytest.raises(Transient) as caught:
            api.call("POST", "/x", effect=Effect.CREATE)
        assert caught.value.code == "certificate"
        assert received == []
    assert names == ["shop.example"]
    server.close()


def test_a_host_keeps_its_pool() -> None:
    adapter = network.GuardedAdapter(allow_private=True, pool_connections=2)

    def pool(url: str, verify: bool | str = True) -> object:
        return adapter.get_connection_with_tls_context(requests.Request("GET", url).prepare(), verify)

    first = pool("https://shop.example/a")
    assert pool("https://shop.example/b?c=d") is first
    others = [pool("http://shop.example/a"), pool("https://shop.example:8443/a"), pool("https://shop.example/a", verify=False)]
    assert len({id(found) for found in (first, *others)}) == 4
    for number in range(network.MOST_POOLS):
        pool(f"https://shop{number}.example/a")
    assert len(adapter._pools) <= network.MOST_POOLS
    assert pool("https://shop.example/a") is pool("https://shop.example/c")


@pytest.mark.parametrize(("path", "asked"), [("", "/"), ("/a?b=c", "/a?b=c"), ("//other/a", "//other/a"), ("/a%20b/../c", "/c")])
def test_what_is_asked_for_is_path_and_query_as_signed(path: str, asked: str) -> None:
    adapter = network.GuardedAdapter(allow_private=True)
    assert adapter.request_url(requests.Request("GET", f"https://shop.example{path}").prepare(), {}) == asked


def test_a_signature_that_changes_the_host_is_checked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    class Astray(requests.auth.AuthBase):
        def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
            request.url = "https://user:pass@shop.example/x"
            return request

    api = Api(Account("astray", "https://shop.example"), "https://shop.example", lambda _: None, Plumbing(), auth=Astray())
    with pytest.raises(NeedsAttention) as caught:
        api.get("/x")
    assert caught.value.code == "address_refused"
