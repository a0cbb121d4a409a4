"""Every platform folder keeps the contract: complete, documented, and what it declares is what it can do."""

import dataclasses
import re

import pytest
from conformance_world import ACCOUNT, folder

from connectors.canonical.identity import ObjectType
from connectors.kit.contract import ClientCredentials, Keys, OAuth2
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
    for name in connector.ways or {"": connector.auth}:
        chosen = {"auth": name} if name else {}
        secret = {setting.name for setting in connector.settings_of(chosen) if setting.secret}
        assert secret, f"the way {name!r} asks for nothing"
        auth = connector.way(chosen)[1]
        assert not (isinstance(auth, Keys) and auth.token) or auth.token in secret
    if connector.sandbox:
        facts = connector.sandbox.connection("http://127.0.0.1:1")
        needed = {setting.name for setting in connector.settings_of(facts["settings"]) if setting.secret and setting.required}
        assert needed <= set(facts["secrets"])


@each
def test_ways_of_authorising_are_sound(connector):
    if connector.ways:
        (choice,) = [setting for setting in connector.settings if setting.name == "auth"]
        assert [name for name, _label in choice.choices] == list(connector.ways)
        assert connector.ways[choice.default] == connector.auth
        assert connector.way({})[0] == choice.default
    for setting in connector.settings:
        assert set(setting.ways) <= set(connector.ways), setting.name
    for auth in (connector.auth, *connector.ways.values()):
        if isinstance(auth, OAuth2 | ClientCredentials):
            assert auth.token_url.startswith(("https://", "{base}/"))
        if isinstance(auth, OAuth2):
            assert auth.authorize_url.startswith(("https://", "{base}/")) or (auth.entrance and not auth.authorize_url)


@each
def test_statuses_and_limits_are_sound(connector):
    known = [status for status, _label in connector.statuses]
    assert len(known) == len(set(known))
    assert set(connector.paid_statuses) <= set(known)
    limits = connector.limits
    assert limits.per_second > 0
    assert limits.burst >= 1
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
