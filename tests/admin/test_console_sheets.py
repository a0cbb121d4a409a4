"""Mappings go out to CSV and Excel and come in again: looked at line by line first, then all or nothing, and never another's."""

from __future__ import annotations

import io
import random
import re
import tracemalloc
import zipfile
from typing import Any

import openpyxl
import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import Model
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from tablib import Dataset

from audit.models import AuditRecord
from connectors.kit.errors import Rejected
from flows.mapping.sheets import files
from flows.mapping.sheets.files import as_typed, harmless, read, written
from flows.models import FieldMapping, FieldMappingVersion, Flow, ItemMapping, SyncJob, ValueMapping
from tests import factories as make
from tests.admin.console_world import ADDS, PEOPLE, SEES, World, address
from tests.admin.test_console_pages import assert_clean
from tests.admin.test_console_queries import queries

MODELS: tuple[type[Model], ...] = (ItemMapping, ValueMapping, FieldMapping)
HEAD = "organization,flow,sku,item_id,item_name\n"


def upload(client: Client, content: str | bytes, name: str = "items.csv", model: type[Model] = ItemMapping) -> Any:
    given = content.encode() if isinstance(content, str) else content
    return client.post(address(model, "import"), {"file": SimpleUploadedFile(name, given)})


def token(answer: Any) -> str:
    return str(answer.context["token"])


def confirm(client: Client, answer: Any, model: type[Model] = ItemMapping) -> Any:
    return client.post(address(model, "import"), {"looked_at": token(answer)}, follow=True)


def export(client: Client, kind: str, model: type[Model] = ItemMapping, **query: Any) -> bytes:
    answer = client.get(address(model, "export", kind), query)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].endswith(f'.{kind}"')
    return bytes(answer.content)


def items() -> set[tuple[str, str, str]]:
    return set(ItemMapping.objects.values_list("sku", "item_id", "item_name"))


# ---- in ----------------------------------------------------------------------------------------------------


def test_a_number_that_lost_its_zeros_is_told_and_not_taken_for_another_sku(world: World) -> None:
    client, flow = world.client("bookkeeper"), world.rows["flow"]
    make.ItemMappingFactory(flow=flow, sku="00123", item_id="7", item_name="Bolt")
    book = openpyxl.Workbook()
    book.active.append(HEAD.strip().split(","))
    book.active.append(["mine", str(flow), 123, 8, "Large bolt"])
    packed = io.BytesIO()
    book.save(packed)
    (line,) = upload(client, packed.getvalue(), "items.xlsx").context["sheet"].wrong
    assert line.problems == (
        'Column sku: "00123" is mapped here, and spreadsheets drop leading zeros. Format the column as text, or give 00123 a line, too.',
    )
    both = upload(client, f"{HEAD}mine,{flow},00123,7,Bolt\nmine,{flow},123,8,Large bolt\n").context["sheet"]
    assert [line.verb for line in both.lines] == ["same", "new"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig", "cp1252"])
@pytest.mark.parametrize(("first", "delimiter"), [("", ","), ("", ";"), ("", "\t"), ("sep=;\n", ";"), ('"sep=;"\n', ";")])
def test_a_file_is_read_as_any_spreadsheet_saves_it(encoding: str, first: str, delimiter: str) -> None:
    mark = "\N{BYTE ORDER MARK}" if encoding in ("utf-16-le", "utf-16-be") else ""
    text = f"{mark}{first}sku,name\nGRÜN,Grüner Tee\n".replace(",", delimiter)
    assert read(text.encode(encoding), "items.csv").dict == [{"sku": "GRÜN", "name": "Grüner Tee"}]


def test_headings_alone_are_told_as_such(world: World) -> None:
    page = upload(world.client("bookkeeper"), HEAD).content.decode()
    assert "There is no line below the headings." in page
    assert "Every line says what stands here already." not in page


def test_a_sheet_with_two_bad_lines_changes_nothing_until_they_are_right(world: World) -> None:
    client, flow = world.client("bookkeeper"), world.rows["flow"]
    sheet = f"{HEAD}mine,{flow},MUG-XL,7,Large mug\nmine,{flow},,8,No SKU\nmine,Somewhere else,CUP,9,Cup\n"
    before = items()
    answer = upload(client, sheet)
    assert [(line.number, line.problems) for line in answer.context["sheet"].wrong] == [
        (3, ("Column sku: The cell is empty. Write the SKU as the shop has it.",)),
        (4, ('Column flow: You have no flow "Somewhere else" in the organization "mine".',)),
    ]
    assert "token" not in answer.context or not answer.context["token"]
    assert (items(), AuditRecord.objects.filter(action__startswith="import").count()) == (before, 0)
    right = upload(client, f"{HEAD}mine,{flow},MUG-XL,7,Large mug\nmine,{flow},CUP,9,Cup\n")
    assert [(line.number, line.verb, line.becomes) for line in right.context["sheet"].lines] == [
        (2, "new", "Large mug (7)"), (3, "new", "Cup (9)"),
    ]  # fmt: skip
    assert items() == before, "looking at it writes nothing"
    page = confirm(client, right).content.decode()
    assert "2 added, 0 changed, 0 were the same. 1 waiting job(s) go on." in page
    assert items() == before | {("MUG-XL", "7", "Large mug"), ("CUP", "9", "Cup")}
    assert SyncJob.objects.get(state="waiting").flow == flow
    record = AuditRecord.objects.get(action="import item mappings")
    assert (record.actor, record.flow_id, record.evidence["mappings"]) == ("bookkeeper", flow.pk, ["MUG-XL -> Large mug", "CUP -> Cup"])
    assert LogEntry.objects.filter(change_message="Imported from items.csv.", user=world.people["bookkeeper"]).count() == 2


def test_changed_and_same_lines_are_told_apart(world: World) -> None:
    client, mapping = world.client("bookkeeper"), world.rows["itemmapping"]
    other = make.ItemMappingFactory(flow=world.rows["flow"])
    lines = (
        f"flow,sku,item_id,item_name\n{mapping.flow},{mapping.sku},77,Other\n{mapping.flow},{other.sku},{other.item_id},{other.item_name}\n"
    )
    answer = upload(client, lines)
    (changed,), (same,) = answer.context["sheet"].changed, answer.context["sheet"].same
    assert (changed.was, changed.becomes, same.number) == (f"{mapping.item_name} ({mapping.item_id})", "Other (77)", 3)
    confirm(client, answer)
    mapping.refresh_from_db()
    assert (mapping.item_id, mapping.item_name) == ("77", "Other")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("mine,{flow},A,1,Cup\nmine,{flow},A,2,Mug", "Line 2 says it already"),
        ("mine,{flow}," + "x" * 121 + ",1,Cup", "at most 120 characters"),
        ("mine,{theirs},A,1,Cup", "You have no flow"),
        ("other,{theirs},A,1,Cup", "You have no flow"),
    ],
)
def test_wrong_lines_say_why(world: World, lines: str, words: str) -> None:
    before = items()
    answer = upload(world.client("bookkeeper"), HEAD + lines.format(flow=world.rows["flow"], theirs=world.theirs["flow"]))
    assert words in answer.content.decode()
    assert not answer.context["token"]
    assert items() == before


def test_the_organization_is_asked_for_where_two_flows_have_one_name(world: World) -> None:
    Flow.objects.update(label="Orders")
    client = world.client("root")
    assert "Several organizations have a flow" in upload(client, "flow,sku,item_id,item_name\nOrders,A,1,Cup\n").content.decode()
    confirm(client, upload(client, f"{HEAD}other,Orders,A,1,Cup\n"))
    assert ItemMapping.objects.get(sku="A").flow == world.theirs["flow"]


def test_values_and_rules_are_checked_as_in_their_forms(world: World) -> None:
    client, flow = world.client("bookkeeper"), world.rows["flow"]
    head = "flow,kind,source,target\n"
    bad = f"{flow},payment method,stripe,Bitcoin\n{flow},colour,a,b\n{flow},status,paid,x\n"
    wrong = upload(client, f"{head}{flow},tax,HST,Ontario HST\n{bad}", model=ValueMapping).context["sheet"].wrong
    assert [line.number for line in wrong] == [3, 4, 5]
    assert "does not know" in wrong[0].problems[0]
    confirm(
        client, upload(client, f"flow,kind,source,target\n{flow},payment method,stripe,Credit Card\n", model=ValueMapping), ValueMapping
    )
    assert ValueMapping.objects.get(source="stripe").target == "Credit Card"
    rules = f"flow,target,expression,mode\n{flow},invoice.notes,custmer.note,\n"
    assert "no field" in upload(client, rules, model=FieldMapping).content.decode()
    confirm(client, upload(client, rules.replace("custmer.note,", "note,New"), model=FieldMapping), FieldMapping)
    rule = FieldMapping.objects.get(target="invoice.notes")
    assert (rule.expression, rule.mode) == ("note", "new")
    assert FieldMappingVersion.objects.values_list("target", "what", "by").get() == ("invoice.notes", "made", "bookkeeper")


def test_what_became_wrong_since_it_was_looked_at_is_not_applied(world: World) -> None:
    client, flow = world.client("bookkeeper"), world.rows["flow"]
    answer = upload(client, f"{HEAD}mine,{flow},A,1,Cup\n")
    Flow.objects.filter(pk=flow.pk).update(label="Renamed")
    before = items()
    assert confirm(client, answer).context["sheet"].wrong
    assert items() == before


def test_only_who_looked_at_it_applies_it_and_only_unchanged(world: World) -> None:
    flow, before = world.rows["flow"], items()
    answer = upload(world.client("bookkeeper"), f"{HEAD}mine,{flow},A,1,Cup\n")
    for who, posted in (("owner", token(answer)), ("neighbour", token(answer)), ("bookkeeper", token(answer)[:-2] + "xx")):
        done = world.client(who).post(address(ItemMapping, "import"), {"looked_at": posted})
        assert "looked at too long ago" in done.content.decode(), who
    other_kind = world.client("bookkeeper").post(address(ValueMapping, "import"), {"looked_at": token(answer)})
    assert "looked at too long ago" in other_kind.content.decode()
    assert items() == before


# ---- odd files ---------------------------------------------------------------------------------------------


def excel(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_excel_with_numbers_and_empty_lines(world: World) -> None:
    flow = str(world.rows["flow"])
    sheet = excel(["Flow", "SKU", "Item id", "Item name"], [flow, 1001, 5.0, "Cup"], [], [flow, "0012", "007", "Mug"], [None, None])
    answer = upload(world.client("bookkeeper"), sheet, "items.xlsx")
    assert [line.number for line in answer.context["sheet"].wrong] == [3]
    sheet = excel(["flow", "sku", "item_id", "item_name"], [flow, 1001, 5.0, "Cup"], [flow, "0012", "007", "Mug"], [None, None])
    confirm(world.client("bookkeeper"), upload(world.client("bookkeeper"), sheet, "items.xlsx"))
    assert {("1001", "5", "Cup"), ("0012", "007", "Mug")} <= items()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 no zip", "no Excel file"),
        (b"a,b\0c\n", "neither a CSV nor an Excel"),
        (b"%PDF-1.7 a scan", "neither a CSV nor an Excel"),
        (b"PK a broken one", "neither a CSV nor an Excel"),
        (b"flow,sku\nx,y\n", "names no column item_id, item_name"),
        (b"flow,sku,item_id,item_name\na,b,c,d,e\n", "Line 2 has more cells"),
        (b"x" * (files.MOST_BYTES + 1), "larger than 3 MB"),
    ],
)
def test_files_that_cannot_be_read_say_why(world: World, content: bytes, words: str) -> None:
    answer = upload(world.client("bookkeeper"), content)
    assert answer.status_code == 200
    assert words in answer.content.decode() or words in str(answer.context.get("problem", ""))


def test_no_file_at_all(world: World) -> None:
    assert "Choose a file first" in world.client("bookkeeper").post(address(ItemMapping, "import"), {}).content.decode()


def test_an_excel_file_that_unpacks_to_too_much_is_not_opened() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("xl/worksheets/sheet1.xml", b"0" * (files.UNPACKED + 1))
    with pytest.raises(Rejected, match="unpacks to too much"):
        read(out.getvalue(), "bomb.xlsx")


def test_the_largest_honest_excel_sheet_unpacks_to_half_of_what_is_allowed() -> None:
    named = [
        "harbour-pottery",
        "Orders of the Harbour Pottery",
        "MUG-000123-BLUE-XL",
        "1000123",
        "Stoneware mug no. 123, blue, extra large, glazed",
    ]
    content, _ = files.written(Dataset(*[named] * 1000, headers=["organization", "flow", "sku", "item_id", "item_name"]), "xlsx")
    with zipfile.ZipFile(io.BytesIO(content)) as packed:
        (size,) = [part.file_size for part in packed.infolist() if part.filename == "xl/worksheets/sheet1.xml"]
    assert 0.9 < size * files.MOST_ROWS / 1000 / (files.UNPACKED / 2) < 1


@pytest.mark.parametrize("far", ["XFD1", "A1048576", "XFD1048576"])
def test_a_cell_at_the_far_end_of_a_sheet_does_not_fill_the_memory(far: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 300)
    book = openpyxl.Workbook()
    for number in range(1, 301):
        book.active[f"A{number}"] = "sku"
        book.active[f"{far.rstrip('0123456789')}{number}"] = "x"
    book.active[far] = "x"
    out = io.BytesIO()
    book.save(out)
    tracemalloc.start()
    try:
        rows = len(read(out.getvalue(), "far.xlsx"))
    except Rejected as problem:
        rows, words = 0, problem.message
        assert "more than 300 lines" in words
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (rows, most < 20_000_000) == (299 if far == "XFD1" else 0, True)


def test_a_file_as_large_as_allowed_is_applied_after_it_was_looked_at(world: World) -> None:
    flow = str(world.rows["flow"])
    out = io.BytesIO(excel(["flow", "sku", "item_id", "item_name"], [flow, "LARGE", "5", "Cup"]))
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("xl/media/picture.png", random.Random(5).randbytes(files.MOST_BYTES - 40_000))
    content = out.getvalue()
    assert files.MOST_BYTES - 40_000 < len(content) <= files.MOST_BYTES
    client = world.client("bookkeeper")
    assert confirm(client, upload(client, content, "items: all.xlsx")).status_code == 200
    assert ("LARGE", "5", "Cup") in items()
    assert AuditRecord.objects.get(action="import item mappings").message.startswith("items: all.xlsx: 1 added")


def test_too_many_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_ROWS", 3)
    with pytest.raises(Rejected, match="more than 3 lines"):
        read(b"a\n" + b"1\n" * 4, "x.csv")


@pytest.mark.parametrize(
    "content", ["flow;sku\nÄ;b\n".encode("cp1252"), "flow\tsku\nÄ\tb\n".encode("utf-8-sig"), "flow,sku\nÄ,b\n".encode()]
)
def test_what_excel_makes_of_csv_is_read(content: bytes) -> None:
    dataset = read(content, "x.csv")
    assert (dataset.headers, list(dataset)) == (["flow", "sku"], [("Ä", "b")])


# ---- out ---------------------------------------------------------------------------------------------------


@given(st.text(alphabet="'=+-@ a1\t\n\uff1d", max_size=6))
def test_what_is_made_harmless_is_read_as_it_was(text: str) -> None:
    safe = harmless(text)
    assert as_typed(safe) == text
    assert not re.match(r"\s*[=+\-@\uff1d]|[\t\r\n]", safe)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_export_comes_back_as_the_same(world: World, kind: str) -> None:
    odd = {"=1+1", "-5", "@cmd", "'quoted", "00123", 'Ünï,"x"', "'=2"}
    for sku in odd:
        make.ItemMappingFactory(flow=world.rows["flow"], sku=sku, item_name="=HYPERLINK(1)")
    client = world.client("bookkeeper")
    content = export(client, kind)
    if kind == "csv":
        assert content.startswith(b"\xef\xbb\xbforganization,flow,sku,item_id,item_name\r\n")
        assert b",'=1+1," in content
    else:
        sheet = openpyxl.load_workbook(io.BytesIO(content)).active
        assert {cell.data_type for row in sheet.rows for cell in row} == {"s"}
    sheet = upload(client, content, f"items.{kind}").context["sheet"]
    assert {line.verb for line in sheet.lines} == {"same"}
    assert len(sheet.lines) == len(odd) + 1
    ItemMapping.objects.filter(sku__in=odd).delete()
    confirm(client, upload(client, content, f"items.{kind}"))
    assert odd <= set(ItemMapping.objects.values_list("sku", flat=True))


@pytest.mark.parametrize("model", MODELS)
def test_an_export_holds_what_the_person_may_see_and_the_filters_find(world: World, model: type[Model]) -> None:
    text = export(world.client("support"), "csv", model).decode("utf-8-sig")
    assert ("mine," in text, "other," in text) == (True, False)
    assert "other," in export(world.client("root"), "csv", model).decode("utf-8-sig")
    none = export(world.client("support"), "csv", model, flow=world.theirs["flow"].pk).decode("utf-8-sig")
    assert len(none.splitlines()) == 1


def test_unprintable_letters_do_not_stop_an_export() -> None:
    from tablib import Dataset

    content, _ = written(Dataset(["a\x01b"], headers=["sku"]), "xlsx")
    assert openpyxl.load_workbook(io.BytesIO(content)).active["A2"].value == "a\N{REPLACEMENT CHARACTER}b"


# ---- who ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("person", PEOPLE)
@pytest.mark.parametrize("model", MODELS)
def test_who_may_take_out_and_bring_in(world: World, person: str, model: type[Model]) -> None:
    client = world.client(person)
    may_see = person in SEES["itemmapping"] | {"neighbour"}
    may_map = person in ADDS["itemmapping"] | {"neighbour"}
    denied = 302 if person == "anonymous" else 403
    assert client.get(address(model, "export", "csv")).status_code == (200 if may_see else denied)
    assert client.get(address(model, "import")).status_code == (200 if may_map else denied)
    before = model._default_manager.count()
    posted = upload(client, f"{HEAD}mine,{world.rows['flow']},A,1,Cup\n", model=model)
    assert posted.status_code == (200 if may_map else denied)
    assert model._default_manager.count() == before
    if may_see:
        page = client.get(address(model, "changelist")).content.decode()
        assert ("Export CSV" in page, ">Import<" in page) == (True, may_map)
    if may_map:
        assert_clean(client, address(model, "import"))


def test_as_many_queries_for_three_hundred_lines_as_for_three(world: World) -> None:
    client, flow = world.client("bookkeeper"), world.rows["flow"]

    def looked_at(count: int) -> Any:
        return upload(client, HEAD + "".join(f"mine,{flow},S{count}-{n},1,Cup\n" for n in range(count)))

    def counted(count: int) -> tuple[int, int]:
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as looking:
            answer = looked_at(count)
        with CaptureQueriesContext(connection) as saving:
            client.post(address(ItemMapping, "import"), {"looked_at": token(answer)})
        return len(looking), len(saving)

    counted(2)
    few, many = counted(3), counted(300)
    assert few[0] == many[0] <= 30
    assert many[1] - few[1] <= 8, "inserts in batches, and a record for each hundred"
    assert len(queries(client, address(ItemMapping, "export", "csv"))) <= 30
