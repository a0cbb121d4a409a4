"""An owner has alerts told to a chat and sees its answer; support takes the audit along, and it proves itself."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import SignIn
from tests.browser.installation import Company

SECRET = "a-signing-secret-of-a-story"


@pytest.fixture
def chat() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Where a chat would listen, and what it heard."""
    heard: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append((self.headers["Tillbridge-Signature"], body))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"heard you")

        def log_message(self, *_: object) -> None:
            return None

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/rooms/books", heard
    server.shutdown()
    server.server_close()


def test_an_owner_adds_an_alert_target_and_tests_it(
    new_company: Company, sign_in: SignIn, chat: tuple[str, list[tuple[str, bytes]]]
) -> None:
    address, heard = chat
    page = sign_in(new_company.user("owner"))
    page.goto("/admin/flows/alerttarget/add/")
    page.get_by_label("Organization").select_option(label=new_company.name)
    page.get_by_label("Name").fill("Room of the bookkeepers")
    page.get_by_label("Kind").select_option("webhook")
    page.get_by_label("Web address of your program").fill(address)
    page.get_by_label("Signing secret").fill(SECRET)
    page.get_by_role("button", name="Save and continue editing").click()
    expect(page.get_by_label("Web address of your program")).to_have_value("")
    page.get_by_role("button", name="Send a test").click()
    expect(page.get_by_text("Room of the bookkeepers: It answered 200. heard you")).to_be_visible()
    [(signature, body)] = heard
    assert signature.startswith("v1=")
    assert json.loads(body)["event"] == "alert.test"
    assert SECRET not in page.content()
    assert "/rooms/books" not in page.content()


def test_support_takes_the_audit_along_and_it_proves_itself(shop_and_books: Company, sign_in: SignIn, tmp_path: Path) -> None:
    shop_and_books.place_orders(2)
    shop_and_books.wait_for_orders(2)
    shop_and_books.wait_for("SELECT COUNT(*) = 0 FROM audit_auditrecord WHERE seal_id IS NULL AND organization_id = {organization}", 30)
    page = sign_in(shop_and_books.user("support"), width=390)
    page.goto("/admin/audit/auditrecord/")
    page.get_by_label("Person").fill("worker")
    page.get_by_label("Outcome").select_option("done")
    page.get_by_role("button", name="Show", exact=True).click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Export as JSON Lines").click()
    file = tmp_path / "audit.zip"
    download.value.save_as(file)
    with zipfile.ZipFile(file) as archive:
        records = [json.loads(line) for line in archive.read("records.jsonl").splitlines()]
    assert records
    assert {(record["actor"], record["outcome"]) for record in records} == {("worker", "done")}
    shop_and_books.house.manage("verify_audit", "--export", str(file))
    page.goto("/admin/audit/auditseal/")
    page.get_by_role("button", name="Verify the audit").click()
    told = page.get_by_text("seals hold:")
    for _ in range(20):
        if told.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(told).to_be_visible()
