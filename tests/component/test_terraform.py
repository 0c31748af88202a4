"""Terraform as fab runs it: found or downloaded, its providers' places, and what goes wrong."""

import hashlib
import http.server
import io
import json
import os
import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.region import terraform
from tools.region.terraform import Terraform, cli_configuration, find_binary


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Terraform code that needs no provider, with two environments."""
    root = tmp_path / "code"
    (root / "env").mkdir(parents=True)
    (root / "main.tf").write_text(
        'variable "word" {}\n'
        'resource "terraform_data" "this" {\n  input = var.word\n}\n'
        'output "word" {\n  value = terraform_data.this.output\n}\n'
    )
    (root / "env" / "lab.tfvars").write_text('word = "one"\n')
    (root / "env" / "other.tfvars").write_text('word = "two"\n')
    return root


def script(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def releases(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A server that has one release of Terraform; the folder with it."""
    folder = tmp_path / "releases"
    folder.mkdir()
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("terraform", "#!/bin/sh\necho new\n")
    (folder / "terraform.zip").write_bytes(content.getvalue())

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *arguments: object) -> None:
            super().__init__(*arguments, directory=str(folder))  # type: ignore[arg-type]

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/terraform.zip"
        monkeypatch.setattr(terraform, "DOWNLOAD", url)
        monkeypatch.setattr(
            terraform, "PINNED_SHA256", hashlib.sha256(content.getvalue()).hexdigest()
        )
        yield folder
        server.shutdown()


def test_the_machines_terraform_is_taken_where_it_is_new_enough(tmp_path: Path) -> None:
    own = script(tmp_path / "bin" / "terraform", """echo '{"terraform_version": "1.12.0"}'""")
    assert find_binary({"PATH": str(own.parent)}) == own


def test_one_that_is_too_old_is_left_for_the_pinned(tmp_path: Path, releases: Path) -> None:
    old = script(tmp_path / "bin" / "terraform", """echo '{"terraform_version": "1.9.8"}'""")
    environ = {"PATH": str(old.parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = find_binary(environ)
    assert kept.read_text() == "#!/bin/sh\necho new\n"
    (releases / "terraform.zip").unlink()
    assert find_binary(environ) == kept  # without another download


def test_a_wrong_checksum_leaves_nothing(tmp_path: Path, releases: Path) -> None:
    (releases / "terraform.zip").write_bytes(b"another")
    with pytest.raises(AirAwareError, match="wrong checksum"):
        find_binary({"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")})
    assert not list(tmp_path.glob("cache/**/terraform*"))


def test_a_failed_download_says_what_to_do(tmp_path: Path, releases: Path) -> None:
    (releases / "terraform.zip").unlink()
    with pytest.raises(AirAwareError, match=r"404.*install Terraform 1.10 or newer"):
        find_binary({"PATH": "", "XDG_CACHE_HOME": str(tmp_path / "cache")})


def test_a_mirror_goes_before_the_registry(tmp_path: Path) -> None:
    (tmp_path / "registry.terraform.io" / "hashicorp" / "aws").mkdir(parents=True)
    text = cli_configuration(str(tmp_path))
    assert f'path = "{tmp_path}"' in text
    assert 'exclude = ["registry.terraform.io/hashicorp/aws"]' in text


def test_a_mirror_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(AirAwareError, match=f"AIRAWARE_TERRAFORM_MIRROR: {tmp_path} has no folder"):
        cli_configuration(str(tmp_path))


def test_an_unknown_environment_is_told_the_known_ones(code: Path, tmp_path: Path) -> None:
    with pytest.raises(AirAwareError, match=r"moon.tfvars. Known are: lab, other"):
        Terraform(code, "moon", tmp_path / "state", {})


@pytest.fixture
def path_of_terraform() -> dict[str, str]:
    """The environment variables to find Terraform by; skips where the machine has none."""

    if not shutil.which("terraform"):
        pytest.skip("this machine has no Terraform")
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}


def test_a_provider_that_cannot_be_had_is_found_before_anything_is_made(
    code: Path, tmp_path: Path, path_of_terraform: dict[str, str]
) -> None:
    (tmp_path / "mirror" / terraform.PROVIDERS).mkdir(parents=True)
    lab = Terraform(code, "lab", tmp_path / "state", path_of_terraform, f"{tmp_path}/mirror")
    lab.check()
    (code / "provider.tf").write_text(
        'terraform {\n  required_providers {\n    local = { source = "hashicorp/local" }\n  }\n}\n'
    )
    with pytest.raises(AirAwareError, match=r"init failed(?s:.*)AIRAWARE_TERRAFORM_MIRROR"):
        lab.check()


def test_an_environment_is_planned_applied_and_destroyed(
    code: Path, tmp_path: Path, path_of_terraform: dict[str, str]
) -> None:
    lab = Terraform(code, "lab", tmp_path / "state", path_of_terraform)
    lab.init()
    assert lab.outputs() == {}
    plan = lab.plan()
    assert (plan.changes, str(plan)) == ({"terraform_data.this": "create"}, "1 to create")
    lines: list[str] = []
    lab.apply(lines.append)
    assert lines[0] == "terraform_data.this: Creating..."
    assert lab.outputs() == {"word": "one"}
    assert str(lab.plan()) == "no changes"
    lab.destroy(lines.append)
    assert lab.outputs() == {}
    assert not list(code.glob("**/.terraform*"))  # the checkout is as it was


def test_a_change_that_nobody_need_agree_to_is_planned_and_applied_in_one_go(
    code: Path, tmp_path: Path, path_of_terraform: dict[str, str]
) -> None:
    lab = Terraform(code, "lab", tmp_path / "state", path_of_terraform)
    lab.init()
    assert lab.outputs() == {}
    lines: list[str] = []
    lab.change(lines.append, {"word": "three"})
    assert lines[0] == "terraform_data.this: Creating..."
    assert lab.outputs() == {"word": "three"}
    assert not lab.plan_file.exists()


def test_two_environments_have_states_of_their_own(
    code: Path, tmp_path: Path, path_of_terraform: dict[str, str]
) -> None:
    places = [
        Terraform(code, name, tmp_path / name, path_of_terraform) for name in ("lab", "other")
    ]
    for place in places:
        place.init()
        place.plan()
        place.apply(lambda _: None)
    assert [place.outputs() for place in places] == [{"word": "one"}, {"word": "two"}]


def test_a_plan_that_fails_says_why(
    code: Path, tmp_path: Path, path_of_terraform: dict[str, str]
) -> None:
    (code / "env" / "lab.tfvars").write_text("")
    lab = Terraform(code, "lab", tmp_path / "state", path_of_terraform)
    lab.init()
    with pytest.raises(AirAwareError, match=r'terraform plan failed for lab(?s:.*)variable "word"'):
        lab.plan()


def test_an_apply_that_fails_names_the_resource_and_can_be_run_again(
    code: Path, tmp_path: Path, path_of_terraform: dict[str, str]
) -> None:
    program = json.dumps(f"test -e {tmp_path}/mended")
    (code / "main.tf").write_text(
        (code / "main.tf").read_text()
        + f'resource "terraform_data" "late" {{\n  depends_on = [terraform_data.this]\n'
        f'  provisioner "local-exec" {{\n    command = {program}\n  }}\n}}\n'
    )
    lab = Terraform(code, "lab", tmp_path / "state", path_of_terraform)
    lab.init()
    lab.plan()
    with pytest.raises(AirAwareError, match=r"apply failed(?s:.*)terraform_data.late(?s:.*)again"):
        lab.apply(lambda _: None)
    (tmp_path / "mended").touch()
    assert lab.plan().changes == {"terraform_data.late": "replace"}
    lab.apply(lambda _: None)
    assert str(lab.plan()) == "no changes"
