"""The lab's region without its machines, as a process: `labregion.py PORT FOLDER [ADMINISTRATOR]`.

It serves HTTPS on the loopback; FOLDER/ca.pem vouches for it. It has the images that the
environments look for. Given the administrator's access key, it enforces IAM for all others.
"""

import logging
import socket
import sys
import time
from pathlib import Path

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import ec2_backends

from tools.lab import model
from tools.lab.aws import scaling
from tools.lab.aws.access.enforcement import Access
from tools.lab.aws.calls import REGION
from tools.lab.aws.region import Moto

DEBIAN = "136693071363"  # the account that publishes Debian's images
IMAGES = {"airaware-base-0": DEFAULT_ACCOUNT_ID, "debian-12-amd64-0": DEBIAN}


def image_id(owner: str) -> str:
    """Return the id of the owner's one image."""
    return f"ami-{owner:0>17}"


def main(port: int, folder: Path, *administrator: str) -> None:
    """Serve, and keep scaling groups at their size, until the process is ended."""
    moto = Moto(Access(*administrator) if administrator else None)
    for name, owner in IMAGES.items():
        image = model.Image(image_id(owner), name, "layer", "", "", (), time.time())
        moto.register_image(image)
        ec2_backends[DEFAULT_ACCOUNT_ID][REGION].amis[image.id].owner_id = owner
    moto.start([socket.create_server(("127.0.0.1", port))], folder / "ca.pem")
    while True:
        try:
            scaling.keep_up(moto)
        except Exception:  # of one group; the next look may do
            logging.exception("scaling")
        time.sleep(0.5)


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
