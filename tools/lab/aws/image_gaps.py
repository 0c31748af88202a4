"""moto's machine images, put right as gaps.py does: an image is a disk, and takes time to make.

`layer` and `below` of moto's images and instances are the lab's own: layers of images.py. What
seals a disk is in disks.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import EC2Backend
from moto.ec2.models.amis import Ami, AmiBackend
from moto.ec2.models.instances import Instance, InstanceBackend

from tools.lab import model
from tools.lab.aws.gaps import Original, in_place_of

STATES = ("pending", "available")


def layer_of(it: Any) -> str:
    """Return the topmost layer of an image, or of the image that an instance was launched from."""
    return str(vars(it).get("layer", ""))


def images(ec2: EC2Backend) -> Iterator[model.Image]:
    """Yield the images that there are or will be."""
    for image in ec2.amis.values():
        if image.state in STATES:
            yield model.Image(
                id=image.id,
                name=image.name or "",
                layer=layer_of(image),
                source=image.instance_id or "",
                below=vars(image).get("below", ""),
                tags=tuple(sorted((tag["key"], tag["value"]) for tag in image.get_tags())),
                created=image.creation_date.replace(tzinfo=UTC).timestamp(),
            )


def register(ec2: EC2Backend, image: model.Image) -> str:
    """Make an image known that has a layer already. Returns its id."""
    known: Any = ec2.register_image(image.name, f"{image.name}, as the lab keeps it")
    if image.id:
        ec2.amis[image.id] = ec2.amis.pop(known.id)
        known.id = image.id
    known.creation_date = datetime.fromtimestamp(image.created, UTC).replace(tzinfo=None)
    known.instance_id = image.source or None
    known.layer, known.below = image.layer, image.below
    _have_a_disk(known)
    known.add_tags(dict(image.tags))
    return str(known.id)


def settle(ec2: EC2Backend, image_id: str, layer: str) -> bool:
    """Have an image's disk be that layer, or if empty have failed. False: it is gone."""
    image: Any = ec2.amis.get(image_id)
    if not image:
        return False
    image.layer, image.state = layer, "available" if layer else "failed"
    return True


@in_place_of(AmiBackend, "create_image")
def _create_image(
    original: Original, self: Any, instance_id: str, *arguments: Any, **named: Any
) -> Any:
    """Make it of an instance that is there; it is pending until its disk is kept."""
    instance = self.get_instance(instance_id)
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError("IncorrectState", f"{instance_id} is {instance.state}")
    image = original(self, instance_id, *arguments, **named)
    image.state, image.below = "pending", layer_of(instance)
    _have_a_disk(image)
    return image


@in_place_of(InstanceBackend, "run_instances")
def _run_instances(original: Original, self: Any, *arguments: Any, **named: Any) -> Any:
    """Keep the disk's layers with the instance, also when the image is deregistered."""
    reservation = original(self, *arguments, **named)
    for instance in reservation.instances:
        _keep_layer(instance, self.amis.get(instance.image_id))
    return reservation


def _keep_layer(instance: Instance, image: Ami | None) -> None:
    vars(instance)["layer"] = layer_of(image) if image else ""


def _have_a_disk(image: Any) -> None:
    image.architecture = "x86_64"
    image.virtualization_type = "hvm"
    image.root_device_type = "ebs"
    image.root_device_name = "/dev/xvda"
