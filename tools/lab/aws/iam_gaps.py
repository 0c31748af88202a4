"""Patches of moto's IAM: conditions of bucket policies."""

from typing import Any

from moto.iam.access_control import IAMPolicyStatement, PermissionResult

from tools.lab.aws.gaps import Original, in_place_of

# Buckets. A statement that denies what does not come by TLS denies all to moto, and one that allows
# what comes by an endpoint allows nothing: it does not know how a request came. The region is
# served by TLS alone.


@in_place_of(IAMPolicyStatement, "is_action_permitted")
def _is_action_permitted(
    original: Original, self: IAMPolicyStatement, *arguments: Any, **named: Any
) -> Any:
    if self._statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}:
        return PermissionResult.NEUTRAL
    if self._statement.get("Condition", {}).get("StringEquals", {}).keys() == {"aws:SourceVpce"}:
        # Nobody but the hosts and their operator can reach the region.
        rest = {key: value for key, value in self._statement.items() if key != "Condition"}
        return original(IAMPolicyStatement(rest), *arguments, **named)
    return original(self, *arguments, **named)
