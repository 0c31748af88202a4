"""A digest of a folder's content: what is in it, whose it is, and who may use it."""

import hashlib
import os
from pathlib import Path

DIGITS = 12


def digest(folder: Path, *inputs: str) -> str:
    """Return the first digits of a SHA-256 of a folder's files and the inputs, not of times."""
    total = hashlib.sha256("\0".join(inputs).encode())
    for path in sorted(folder.rglob("*")):
        total.update(f"\0{path.relative_to(folder)}".encode(errors="surrogateescape"))
        total.update(_described(path))
    return total.hexdigest()[:DIGITS]


def _described(path: Path) -> bytes:
    status = path.lstat()
    attributes = [
        (name, os.getxattr(path, name, follow_symlinks=False))
        for name in sorted(os.listxattr(path, follow_symlinks=False))
        # overlayfs's note of where a file came from names an inode of this machine.
        if name not in ("trusted.overlay.origin", "trusted.overlay.impure")
    ]
    content = b""
    if path.is_symlink():
        content = os.fsencode(path.readlink())
    elif path.is_file():
        with path.open("rb") as file:
            content = hashlib.file_digest(file, "sha256").digest()
    facts = (status.st_mode, status.st_uid, status.st_gid, status.st_rdev, attributes)
    return f"\0{facts}\0".encode() + content
