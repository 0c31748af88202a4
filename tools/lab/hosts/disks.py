"""The images that CreateImage makes: a host's disk, sealed as a layer and kept beyond the region.

Which images a lab has lies in the cache, a file each, so that its next region has them again.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

from airaware.errors import AirAwareError
from tools.lab.aws.region import Moto
from tools.lab.hosts import images, seed
from tools.lab.hosts.nspawn import Hosts
from tools.lab.model import Image, Region

QUIET = ("stopped", "dead")

log = logging.getLogger("tools.lab.hosts.disks")


def records(lab: str) -> Path:
    """Return the folder with a file for each image of the lab of that name."""
    return images.folder() / "registered" / lab


def recorded(lab: str) -> Iterator[Image]:
    """Yield the lab's images whose layers are all in the cache; records of others are removed."""
    for path in sorted(records(lab).glob("*.json")):
        values = json.loads(path.read_text())
        image = Image(**values | {"tags": tuple((key, value) for key, value in values["tags"])})
        try:
            images.use(images.layers_of(image.layer))
        except AirAwareError:
            path.unlink()
            continue
        yield image


def forget(lab: str) -> None:
    """Free what the lab's images lie in, and forget them: no region of that name comes back."""
    layers = {image.layer for image in recorded(lab)}
    for layer in sorted(layers, key=lambda layer: len(images.layers_of(layer)), reverse=True):
        images.free(layer)  # those on others first
    shutil.rmtree(records(lab), ignore_errors=True)


class Disks:
    """Follows the region's images: seals what is to become one, frees what is none any more."""

    def __init__(self, moto: Moto, lab: str, hosts: Hosts) -> None:
        """Make the recorded images known to moto."""
        self._moto, self._lab, self._hosts = moto, lab, hosts
        self._kept = {image.id: image for image in recorded(lab)}
        self._begun: set[str] = set()
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="disks")
        for image in self._kept.values():
            moto.register_image(image)

    def apply(self, region: Region) -> None:
        """Have the cache follow the snapshot. What takes long is done in a thread."""
        for image in region.images.values():
            if image.source and image.layer:
                self._record(image)
            elif image.source and image.id not in self._begun and self._is_ready(image, region):
                self._begun.add(image.id)
                self._do(self._seal, image)
        for gone in self._kept.keys() - region.images.keys():
            image = self._kept.pop(gone)
            (records(self._lab) / f"{gone}.json").unlink(missing_ok=True)
            if image.layer not in {each.layer for each in self._kept.values()}:
                self._do(lambda image: images.free(image.layer), image)

    def stop(self) -> None:
        """Wait for what is under way."""
        self._worker.shutdown()

    def _is_ready(self, image: Image, region: Region) -> bool:
        """Whether the disk's host is as the region wants it: quiet, or running on.

        A disk that is gone is no reason to wait either.
        """
        health = self._hosts.health().get(image.source)
        wanted = region.instances.get(image.source)
        if health is None or health.state in QUIET:
            return True
        return bool(wanted and wanted.state == health.state == "running")

    def _seal(self, image: Image) -> None:
        layer = ""
        try:
            endpoint = self._hosts.lab.endpoint
            disk = self._hosts.disk(image.source)
            layer = images.seal(disk, image.below, lambda root: seed.remove(root, endpoint))
            log.info("%s %s is the layer %s", image.id, image.name, layer)
        finally:
            if not self._moto.settle_image(image.id, layer) and layer:
                images.free(layer)

    def _record(self, image: Image) -> None:
        """Keep what is known of it, its tags among it."""
        if self._kept.get(image.id) != image:
            folder = records(self._lab)
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{image.id}.json").write_text(json.dumps(asdict(image), indent=1))
            self._kept[image.id] = image

    def _do(self, act: Callable[[Image], None], image: Image) -> None:
        def tried() -> None:
            try:
                act(image)
            except (AirAwareError, OSError) as error:
                log.error("%s %s: %s", image.id, image.name, error)

        self._worker.submit(tried)
