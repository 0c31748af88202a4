"""The roles of hosts, as Hiera's data of this checkout describe them."""

import yaml

from tools.machine.checkout import CHECKOUT


def extras() -> list[str]:
    """Return the extras of our package that the hosts of any role install."""
    roles = [yaml.safe_load(path.read_text()) for path in CHECKOUT.glob("hieradata/role/*.yaml")]
    return sorted({extra for role in roles for extra in role.get("airaware::extras", ())})
