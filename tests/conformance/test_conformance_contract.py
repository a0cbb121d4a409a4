"""Every platform folder keeps the contract: complete, documented, and what it declares is what it can do."""

import dataclasses
import re

import pytest
from conformance_world import ACCOUNT, folder

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import Keys, OAuth2
from connectors.registry import all_connectors, get_connector

CONNECTORS = all_connectors()
each = pytest.mark.parametrize("connector", CONNECTORS.values(), ids=CONNECTORS)


@each
def test_the_folder_carries_its_platform_s_name(connector):
    assert re.fullmatch(r"[a-z][a-z0-9]*", connector.platform)
    assert folder(connector).name == connector.platform
    assert get_connector(connector.platform) is connector
    assert connector.label


@each
def test_the_operator_s_page_names_every_setting(connector):
    readme = (folder(connector) / "README.md").read_text()
    for setting in connector.settings:
        assert setting.label in readme, f"README.md does not name the setting {setting.label!r}"


@each
def test_settings_are_sound(connector):
    names = [setting.name for setting in connector.settings]
    assert len(names) == len(set(names))
    for setting in connector.settings:
        assert setting.label
        assert (setting.kind == "choice") == bool(setting.choices)
        if setting.choices:
            assert setting.default in [value for value, _label in setting.choices]
        if setting.secret:
            assert setting.default == "", "a secret has no default"


@each
def test_keys_are_secret_settings_and_the_sandbox_brings_them(connector):
    secret = {setting.name for setting in connector.settings if setting.secret}
    if isinstance(connector.auth, Keys):
        assert secret
    if isinstance(connector.auth, OAuth2):
        assert connector.auth.authorize_url.startswith("https://")
        assert connector.auth.token_url.startswith("https://")
    if connector.sandbox:
        assert secret <= set(connector.sandbox.connection("http://127.0.0.1:1")["secrets"])


@each
def test_statuses_and_limits_are_sound(connector):
    known = [status for status, _label in connector.statuses]
    assert len(known) == len(set(known))
    assert set(connector.paid_statuses) <= set(known)
    limits = connector.limits
    assert limits.per_second > 0
    assert limits.burst >= 1
    assert limits.concurrent >= 1
    if ObjectType.ORDER in connector.reads:
        assert connector.paid_statuses


@each
def test_capabilities_are_what_is_defined(connector):
    words = connector.capabilities
    assert {word for word in words if word.startswith("reads ")} == {f"reads {kind.plural}" for kind in connector.reads}
    assert {word for word in words if word.startswith("writes ")} == {f"writes {kind.plural}" for kind in connector.writes}
    assert ("webhooks" in words) == (connector.webhooks is not None)
    assert connector.reads or connector.writes
    if connector.webhooks:
        assert set(connector.webhooks.topics) <= set(connector.reads), "a topic of something that cannot be read"
        assert all(connector.webhooks.topics.values())


@each
def test_fixtures_exist_for_everything_that_can_be_read(connector):
    names = [path.stem for path in (folder(connector) / "fixtures").glob("*.json")]
    for kind in connector.reads:
        assert any(name.startswith(f"{kind.value}__") for name in names), f"no fixtures/{kind.value}__<case>.json"
    if connector.webhooks:
        assert any(name.startswith("webhook__") for name in names), "no fixtures/webhook__<case>.json"


@each
def test_links_lead_to_the_platform_s_own_pages(connector):
    for kind in ObjectType:
        assert re.fullmatch(r"|https?://\S+", connector.link(ACCOUNT, kind, "7"))


@each
def test_the_table_of_contents_cannot_be_changed(connector):
    with pytest.raises(dataclasses.FrozenInstanceError):
        connector.label = "other"
