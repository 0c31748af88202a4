"""Patches of moto's auto scaling: groups note what is wanted, and scaling.py acts."""

from collections.abc import Iterator
from typing import Any

from moto.autoscaling.models import (
    ASG_NAME_TAG,
    AutoScalingBackend,
    FakeAutoScalingGroup,
    InstanceState,
)
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.utils import convert_tag_spec
from moto.elbv2.models import (
    FakeTargetGroup,
    elbv2_backends,
)

from tools.lab.aws.gaps import Original, in_place_of

# Auto scaling. moto launches at once, into the first subnet, without the template's profile, its
# version and options, and terminates without a drain. Here it only notes what is wanted: scaling.py
# acts.


@in_place_of(FakeAutoScalingGroup, "set_desired_capacity")
def _set_desired_capacity(
    _original: Original, self: FakeAutoScalingGroup, new_capacity: int | None
) -> None:
    self.desired_capacity = self.min_size if new_capacity is None else new_capacity


@in_place_of(FakeAutoScalingGroup, "update")
def _update(original: Original, self: FakeAutoScalingGroup, **new: Any) -> None:
    """Have a new least or greatest size move the wanted size, not the number of members."""
    if new["desired_capacity"] is None:
        least = self.min_size if new["min_size"] is None else new["min_size"]
        greatest = self.max_size if new["max_size"] is None else new["max_size"]
        new["desired_capacity"] = min(max(self.desired_capacity or 0, least or 0), greatest or 0)
    original(self, **new)


@in_place_of(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
@in_place_of(AutoScalingBackend, "update_attached_target_groups")
def _leave_it_to_scaling(_original: Original, *_arguments: Any) -> None:
    """Do nothing: the loop launches what is missing, and registers what is there."""


@in_place_of(AutoScalingBackend, "delete_auto_scaling_group")
def _delete_auto_scaling_group(
    original: Original, self: AutoScalingBackend, group_name: str
) -> None:
    """Its members go with it, at once."""
    group = self.autoscaling_groups.get(group_name)
    original(self, group_name)
    if group and group.instance_states:
        self.ec2_backend.terminate_instances([state.instance.id for state in group.instance_states])


@in_place_of(AutoScalingResponse, "set_instance_health")
def _set_instance_health(original: Original, self: AutoScalingResponse) -> ActionResult:
    """Leave a member in its grace period as it is, unless the request says otherwise."""
    member = self.autoscaling_backend.ec2_backend.get_instance(self._get_param("InstanceId"))
    group = getattr(member, "autoscaling_group", None)
    in_grace = group and age_seconds(member) < float(group.health_check_grace_period or 0)
    respects = self._get_bool_param("ShouldRespectGracePeriod", True)
    return EmptyResult() if in_grace and respects else original(self)


def age_seconds(instance: Any) -> float:
    """Return how long ago an instance was launched."""
    return float((utcnow() - instance.launch_time).total_seconds())


def launch(group: FakeAutoScalingGroup, subnet_id: str) -> str:
    """Launch a member of the group in that subnet, as its launch template says. Returns its id."""
    assert group.ec2_launch_template, f"the group {group.name} has no launch template"
    version = group.ec2_launch_template.get_version(group.launch_template_version)
    tags = convert_tag_spec(version.data.get("TagSpecifications", []))
    tags["instance"] = (
        tags.get("instance", {}) | group.get_propagated_tags() | {ASG_NAME_TAG: group.name}
    )
    reservation = group.ec2_backend.run_instances(
        version.image_id,
        1,
        version.user_data,
        version.security_groups,
        instance_type=version.instance_type,
        is_instance_type_default=not version.instance_type,
        launch_template={
            "LaunchTemplateId": group.ec2_launch_template.id,
            "Version": version.number,
        },
        metadata_options=version.data.get("MetadataOptions", {}),
        region_name=group.region,
        subnet_id=subnet_id,
        tags=tags,
    )
    instance = reservation.instances[0]
    if profile := version.data.get("IamInstanceProfile"):
        group.ec2_backend.associate_iam_instance_profile(
            instance.id, profile.get("Name"), profile.get("Arn")
        )
    instance.autoscaling_group = group  # type: ignore[attr-defined]
    protected = group.new_instances_protected_from_scale_in
    group.instance_states.append(InstanceState(instance, protected_from_scale_in=protected))
    return instance.id


def target_groups(group: FakeAutoScalingGroup) -> Iterator[FakeTargetGroup]:
    """Yield the target groups that the group's members belong into, as far as they exist."""
    known = elbv2_backends[group.account_id][group.region].target_groups
    return (known[arn] for arn in group.target_group_arns if arn in known)
