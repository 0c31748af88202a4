"""vendor_modules/: what Debian's packages have, exchanged whole and only where it differs."""

import json
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.machine import vendor_modules


def package(folder: Path, name: str, version: str) -> None:
    (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / name / "metadata.json").write_text(json.dumps({"name": name, "version": version}))


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose Puppetfile names one module, on a machine without r10k."""
    debian = tmp_path / "debian"
    package(debian, "puppetlabs-stdlib", "8.5.0")
    monkeypatch.setattr(vendor_modules, "DEBIAN_MODULES", debian)
    monkeypatch.setenv("PATH", str(tmp_path))
    (tmp_path / "Puppetfile").write_text("mod 'puppetlabs-stdlib', '9.6.0'\n")
    return tmp_path


def test_modules_that_are_in_use_stay_where_they_are(checkout: Path) -> None:
    said = vendor_modules.fill(checkout)
    assert "puppetlabs-stdlib 8.5.0, where the Puppetfile says 9.6.0" in said
    module = checkout / "vendor_modules" / "stdlib"
    before = (module / "metadata.json").stat().st_ino
    assert vendor_modules.fill(checkout) == said
    assert (module / "metadata.json").stat().st_ino == before


def test_other_versions_replace_the_modules(checkout: Path) -> None:
    package(checkout / "vendor_modules", "stdlib", "1.0.0")
    package(checkout / "vendor_modules", "gone", "1.0.0")
    vendor_modules.fill(checkout)
    assert vendor_modules.installed(checkout / "vendor_modules") == {"puppetlabs-stdlib": "8.5.0"}
    assert not any((checkout / "build").iterdir())


def test_missing_packages_change_nothing(checkout: Path) -> None:
    package(checkout / "vendor_modules", "stdlib", "1.0.0")
    (checkout / "Puppetfile").write_text("mod 'puppetlabs-apt', '9.4.0'\n")
    with pytest.raises(AirAwareError, match="apt-get install puppet-module-puppetlabs-apt"):
        vendor_modules.fill(checkout)
    assert vendor_modules.installed(checkout / "vendor_modules") == {"stdlib": "1.0.0"}
