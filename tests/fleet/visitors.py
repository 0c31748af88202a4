"""The site as its visitors reach it: from the lab's Internet side, or by the forward."""

from collections import Counter

import requests

from tools.fleet import Fleet


def zones_that_answer(fleet: Fleet, requests_sent: int = 8) -> Counter[str]:
    """How many of some requests each zone's hosts answered; "" for failures."""
    return Counter(_zone(fleet) for _ in range(requests_sent))


def _zone(fleet: Fleet) -> str:
    try:
        answer = requests.get(f"{fleet.urls()['site']}/", timeout=2)
    except requests.RequestException:
        return ""
    return answer.text.split()[1] if answer.ok else ""
