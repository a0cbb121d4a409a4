"""What exists is documented: commands, periodic tasks, platforms, recipes. (Settings: tests/config.)"""

from __future__ import annotations

import re
from pathlib import Path

from config.schedule import beat_table
from connectors.registry import all_connectors
from flows.recipes import RECIPES

ROOT = Path(__file__).resolve().parents[2]
AREAS = ("config", "connectors", "credentials", "audit", "counting", "flows")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TEXT = "\n".join(page.read_text() for page in PAGES)


def test_every_command_is_documented() -> None:
    names = {path.stem for path in ROOT.glob("*/management/commands/*.py") if path.stem != "__init__"}
    assert {"up", "demo", "doctor", "provision", "plan", "replay", "backfill", "reconcile"} <= names
    assert sorted(name for name in names if f"manage.py {name}" not in TEXT) == []


def test_every_periodic_task_is_documented() -> None:
    assert sorted(name for name in beat_table(2.0) if f"`{name}`" not in TEXT) == []


def test_every_platform_and_recipe_is_documented() -> None:
    for name in all_connectors():
        assert f"connectors/platforms/{name}/README.md" in TEXT
    assert sorted(name for name in RECIPES if f"`{name}`" not in TEXT) == []


def test_the_comparison_of_flows_names_every_option_of_every_recipe() -> None:
    page = (ROOT / "docs" / "flows.md").read_text()
    rows = page.partition("## The options\n")[2].partition("\n## ")[0]
    named: dict[str, set[str]] = {}
    recipe = ""
    for row in rows.splitlines():
        cells = [cell.strip() for cell in row.split("|")[1:-1]]
        if len(cells) == 4 and not cells[1].startswith(("-", "option")):
            recipe = cells[0].strip("`") or recipe
            named.setdefault(recipe, set()).update(re.findall(r"`(\w+)`", cells[1]))
    assert named == {name: {option.name for option in recipe.options} for name, recipe in RECIPES.items()}
    before = page.partition("## The options\n")[0]
    assert [name for name in RECIPES if before.count(f"\n| `{name}` |") != 2] == []  # what goes which way, and what sets it off


def test_links_between_pages_lead_somewhere() -> None:
    broken = []
    for page in PAGES + sorted((ROOT / "connectors" / "platforms").glob("*/README.md")) + [ROOT / "CONTRIBUTING.md"]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
            if not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []


def test_every_module_says_what_it_is_for() -> None:
    modules = [path for area in AREAS for path in (ROOT / area).rglob("*.py")]
    silent = [
        str(path.relative_to(ROOT))
        for path in modules
        if "migrations" not in path.parts and path.read_text().strip() and not path.read_text().lstrip().startswith(('"""', "#!"))
    ]
    assert silent == []


def test_nothing_is_longer_than_the_house_allows() -> None:
    modules = [path for area in AREAS for path in (ROOT / area).rglob("*.py")]
    long = [str(path.relative_to(ROOT)) for path in modules if "migrations" not in path.parts and len(path.read_text().splitlines()) > 300]
    assert long == []


def test_what_stops_a_record_names_the_button_that_stands_there() -> None:
    """A record that stopped has Retry; Replay stands where the last attempt went through."""
    modules = [path for area in ("flows/recipes", "flows/pipeline", "connectors/platforms") for path in (ROOT / area).rglob("*.py")]
    replay = re.compile(r"\b(then|and|now) replay\b|\"replay,|\. Replay\.")
    told = [str(path.relative_to(ROOT)) for path in modules if replay.search(path.read_text())]
    assert told == []
