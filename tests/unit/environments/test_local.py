"""The state folder of `local`, without its databases."""

import os
import pwd
import tempfile
import threading
from pathlib import Path

import pytest

from airaware.errors import AirAwareError
from tools.environments.local import DRILLS, FLEETS, FOLDERS, Local


@pytest.mark.parametrize("there", [(), (FLEETS,), (DRILLS,), (FLEETS, DRILLS, "raw")])
def test_what_others_made_of_the_state_folder_is_completed(
    tmp_path: Path, there: tuple[str, ...]
) -> None:
    local = Local(tmp_path / "state")
    for name in there:
        (local.folder / name).mkdir(parents=True, mode=0o700)
    assert not local.is_made()
    before = os.umask(0o077)
    try:
        local.make_folder()
    finally:
        os.umask(before)
    assert local.is_made()
    assert {path.name for path in local.folder.iterdir()} == {*there, *FOLDERS, "passwords"}
    # Root's databases belong to another account.
    passes = 0o711 if os.geteuid() == 0 else 0o700
    assert {p.stat().st_mode & 0o777 for p in (local.folder, local.folder / "zones")} == {passes}


def test_databases_keep_the_passwords_that_they_were_made_with(tmp_path: Path) -> None:
    local = Local(tmp_path / "state")
    local.make_folder()
    words = local.passfile.read_text()
    local.make_folder()
    assert local.passfile.read_text() == words
    local.passfile.unlink()
    cluster = local.clusters["a"]
    cluster.data.mkdir(parents=True)
    local.make_folder()
    assert not local.passfile.exists()
    with pytest.raises(AirAwareError, match="fab destroy"):
        local.clusters["b"].create()


def test_two_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """Also where the first deletes the folder that the second waits for."""
    local, course = Local(tmp_path / "state"), []
    began = threading.Event()

    def second() -> None:
        began.set()
        with local.alone():
            course.append("second")
            (local.folder / "kept").touch()

    other = threading.Thread(target=second)
    with local.alone():
        other.start()
        began.wait()
        other.join(0.2)
        course.append("first")
        local.folder.rmdir()
    other.join()
    assert course == ["first", "second"]
    assert (local.folder / "kept").exists()


def test_a_stop_of_what_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    local = Local(tmp_path / "state")
    with local.alone():
        assert not list(local.stop())
    assert not local.folder.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's databases belong to another account")
def test_a_folder_that_the_databases_account_cannot_reach_is_named(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    local = Local(closed / "state")
    local.make_folder()
    with pytest.raises(
        AirAwareError, match=r"The account postgres.* keeps it out: let AIRAWARE_STA"
    ):
        local.clusters["a"].create()
    assert not local.clusters["a"].exists()


def test_the_state_folder_may_hold_nothing_else(tmp_path: Path) -> None:
    local = Local(tmp_path / "home")
    local.check_folder()  # not there yet
    local.folder.mkdir()
    (local.folder / "lost+found").mkdir()  # a disk of its own
    (local.folder / FLEETS).mkdir()
    local.check_folder()
    (local.folder / "thesis.tex").touch()
    with pytest.raises(AirAwareError, match=r"holds other things .thesis.tex.*AIRAWARE_STATE"):
        local.check_folder()


def test_destroy_deletes_what_is_ours_and_nothing_else(tmp_path: Path) -> None:
    local = Local(tmp_path / "state")
    local.make_folder()
    (local.folder / "partial").mkdir()
    (local.folder / "thesis.tex").touch()
    (local.folder / FLEETS).mkdir()
    local.check_folder()  # came later
    for step in local.destroy():
        step.act()
    assert {path.name for path in local.folder.iterdir()} == {"thesis.tex", FLEETS}


def test_a_state_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(AirAwareError, match="state is no folder"):
        Local(tmp_path / "state").check_folder()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a file of another account")
@pytest.mark.parametrize(
    ("owner", "user", "mode"), [(1, 0, 0o700), (0, 1, 0o711), (0, 1, 0o755), (2, 1, 0o700)]
)
def test_another_accounts_state_is_refused(owner: int, user: int, mode: int) -> None:
    names = [pwd.getpwuid(uid).pw_name for uid in (owner, user)]
    with tempfile.TemporaryDirectory() as folder:  # pytest's own keeps other accounts out
        Path(folder).chmod(0o755)
        local = Local(Path(folder) / "state")
        local.make_folder()
        for path in (local.folder, local.passfile):
            os.chown(path, owner, owner)
        local.folder.chmod(mode)
        os.seteuid(user)
        try:
            with pytest.raises(
                AirAwareError, match="is the state of {}, but you are {}".format(*names)
            ):
                local.check_folder()
        finally:
            os.seteuid(0)
