"""The simulated plant's settings and site file are ones that the agent takes."""

import os
import tomllib
from pathlib import Path

from edge_agent.demo.episodes import STORY
from edge_agent.demo.plant import ASSETS, TICKS_PER_S, Plant
from edge_agent.demo.site import ALERT_FILTER, SETTINGS, STATUS_TOPIC, site_toml
from edge_agent.settings import load_settings, load_site


def test_the_agent_accepts_settings_and_site_file(monkeypatch, tmp_path: Path):
    for name in [name for name in os.environ if name.startswith("EDGE_AGENT_")]:
        monkeypatch.delenv(name)
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    site_file = tmp_path / "site.toml"
    site_file.write_text(site_toml())
    monkeypatch.setenv("EDGE_AGENT_SITE_FILE", str(site_file))
    settings = load_settings()
    assert set(load_site(settings).assets) == {asset.name for asset in ASSETS}
    assert ALERT_FILTER.startswith(f"{settings.base_topic}/")
    assert f"{settings.base_topic}/status" == STATUS_TOPIC


def test_the_site_file_speaks_of_assets_and_channels_that_exist():
    published = {
        tuple(publication.topic.split("/")[2:])
        for tick in range(2 * TICKS_PER_S)
        for publication in Plant(0).publications(tick)
    }
    site = tomllib.loads(site_toml())
    for asset, table in site["assets"].items():
        channels = {*table["categories"], *(limit["channel"] for limit in table.get("limits", ()))}
        assert {(asset, channel) for channel in channels} <= published


def test_every_injected_fault_has_a_response_for_the_operator():
    site = tomllib.loads(site_toml())
    for episode in STORY:
        assert site["assets"][episode.asset]["responses"][episode.category]
