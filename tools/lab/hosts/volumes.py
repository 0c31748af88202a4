"""Volumes: each a file system of its own size, in a sparse file, mounted in the region's folder."""

from pathlib import Path

from tools.lab.commands import run
from tools.lab.model import Volume

# The file stays sparse: the kernel does not write empty tables of inodes into it.
MADE = ("-q", "-F", "-m", "1", "-E", "lazy_itable_init=1,lazy_journal_init=1")
MOUNTED = "loop,noinit_itable"


def mounted(lab: str, folder: Path, volume: Volume) -> Path:
    """Return the folder where the volume is mounted, empty where it is new.

    `lab` is the region's name, by which `leftovers` finds it; `folder` has all volumes.
    """
    place = folder / volume.id
    if place.is_mount():
        return place
    place.mkdir(parents=True, exist_ok=True)
    disk = folder / f"{lab}-{volume.id}.ext4"
    if not disk.exists():
        unfinished = disk.with_suffix(".new")
        with unfinished.open("wb") as file:
            file.truncate(volume.gigabytes << 30)
        run("mkfs.ext4", *MADE, unfinished)
        unfinished.rename(disk)
    run("mount", "-o", MOUNTED, disk, place)
    return place
