"""Limits of EC2 and VPC, quotas of a new account included."""

from moto.core import DEFAULT_ACCOUNT_ID
from moto.ec2.models import EC2Backend, ec2_backends

from tools.lab.aws.calls import Call
from tools.lab.aws.limits.limit import (
    EC2_API,
    Limit,
    all_match,
    at_most,
    decoded_bytes,
    values,
    within,
)

ADDRESSES, NETWORKS, GROUPS_OF_AN_INTERFACE, ACL_ENTRIES = 5, 5, 5, 20
VPC_QUOTAS = "https://docs.aws.amazon.com/vpc/latest/userguide/amazon-vpc-limits.html"
GUIDE = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/"
RULE_ACTIONS = ("AuthorizeSecurityGroupIngress", "AuthorizeSecurityGroupEgress")
LAUNCH_TEMPLATES = ("CreateLaunchTemplate", "CreateLaunchTemplateVersion")
TAGS = ("Tags[]", "TagSpecifications[].Tags[]", "LaunchTemplateData.TagSpecifications[].Tags[]")
TAGGED = (
    *("CreateTags", "RunInstances", "CreateVolume", "CreateImage", "CreateSecurityGroup"),
    *("CreateVpc", "CreateSubnet", "AllocateAddress", *LAUNCH_TEMPLATES),
)
# What descriptions and names in security groups are made of; "&" is allowed beside it in most.
CHARACTERS = r"a-zA-Z0-9 ._:/()#,@\[\]+=;{}!$*-"
GROUP_TEXT = f"[&{CHARACTERS}]{{1,255}}"


def _state(call: Call) -> EC2Backend:
    return ec2_backends[DEFAULT_ACCOUNT_ID][call.region]


def _attached_already(call: Call) -> bool:
    gateways = _state(call).internet_gateways.values()
    return any(each.vpc and each.vpc.id == call.parameters["VpcId"] for each in gateways)


def _acl_is_full(call: Call) -> bool:
    acl = _state(call).network_acls.get(call.parameters["NetworkAclId"])
    egress = call.parameters.get("Egress", False)
    # 32767 is the rule that denies the rest, which is always there.
    entries = acl.network_acl_entries if acl else []
    same = [e for e in entries if _is_egress(e.egress) == egress and int(e.rule_number) < 32767]
    return len(same) >= ACL_ENTRIES


def _is_egress(value: object) -> bool:
    return str(value).lower() == "true"


def _unknown_image(call: Call) -> bool:
    return any(image not in _state(call).amis for image in values(call, "ImageId"))


LIMITS = (
    Limit(
        "a rule's description has at most 255 letters, digits, spaces and ._-:/()#,@[]+=&;{}!$*",
        RULE_ACTIONS,
        all_match(
            f"[&{CHARACTERS}]{{0,255}}",
            "IpPermissions[].IpRanges[].Description",
            "IpPermissions[].Ipv6Ranges[].Description",
        ),
        "InvalidParameterValue",
        "Invalid rule description. Valid descriptions are strings less than 256 characters from"
        " the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        EC2_API + "API_IpRange.html",
    ),
    Limit(
        "the description of a rule that names a group or a prefix list has no &",
        RULE_ACTIONS,
        all_match(
            f"[{CHARACTERS}]{{0,255}}",
            "IpPermissions[].UserIdGroupPairs[].Description",
            "IpPermissions[].PrefixListIds[].Description",
        ),
        "InvalidParameterValue",
        "Invalid rule description. Valid descriptions are strings less than 256 characters from"
        " the following set:  a-zA-Z0-9. _-:/()#,@[]+=;{}!$*",
        EC2_API + "API_UserIdGroupPair.html",
    ),
    Limit(
        "a group's name has at most 255 of these characters, and does not begin with sg-",
        ("CreateSecurityGroup",),
        all_match(rf"(?!sg-){GROUP_TEXT}", "GroupName"),
        "InvalidParameterValue",
        "Invalid value for groupName: up to 255 of a-z, A-Z, 0-9, spaces, and"
        " ._-:/()#,@[]+=&;{}!$*; it cannot begin with sg-",
        EC2_API + "API_CreateSecurityGroup.html",
    ),
    Limit(
        "so has a group's description",
        ("CreateSecurityGroup",),
        all_match(GROUP_TEXT, "GroupDescription", "Description"),
        "InvalidParameterValue",
        "Invalid security group description. Valid descriptions are strings less than 256"
        " characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*",
        EC2_API + "API_CreateSecurityGroup.html",
    ),
    Limit(
        "user data has at most 16 KB before base64",
        ("RunInstances", *LAUNCH_TEMPLATES),
        at_most(16_384, decoded_bytes, "UserData", "LaunchTemplateData.UserData"),
        "InvalidParameterValue",
        "User data is limited to 16384 bytes",
        GUIDE + "user-data.html",
    ),
    Limit(
        "a launch template's name has 3 to 128 letters, digits and ().-/_",
        ("CreateLaunchTemplate",),
        all_match(r"[a-zA-Z0-9().\-/_]{3,128}", "LaunchTemplateName"),
        "InvalidLaunchTemplateName.MalformedException",
        "A launch template name must be between 3 and 128 characters, and may contain letters,"
        " numbers, and the following characters: ().-/_",
        EC2_API + "API_CreateLaunchTemplate.html",
    ),
    Limit(
        "an image's name has 3 to 128 letters, digits, spaces and ()[]./-'@_",
        ("CreateImage", "RegisterImage"),
        all_match(r"[a-zA-Z0-9 ()\[\]./'@_-]{3,128}", "Name"),
        "InvalidAMIName.Malformed",
        "AMI names must be between 3 and 128 characters long, and may contain letters, numbers,"
        " spaces, and ( ) [ ] . / - ' @ _",
        EC2_API + "API_CreateImage.html",
    ),
    Limit(
        "a key pair's name has at most 255 ASCII characters",
        ("ImportKeyPair", "CreateKeyPair"),
        all_match(r"[\x20-\x7e]{1,255}", "KeyName"),
        "InvalidParameterValue",
        "Value for parameter keyName is invalid: up to 255 ASCII characters",
        EC2_API + "API_ImportKeyPair.html",
    ),
    Limit(
        "a tag's key has 1 to 128 characters, and does not begin with aws:",
        TAGGED,
        all_match(r"(?!(?i:aws):)[\s\S]{1,128}", *(f"{path}.Key" for path in TAGS)),
        "InvalidParameterValue",
        "Tag keys have 1 to 128 characters. Tag keys starting with 'aws:' are reserved for"
        " internal use",
        GUIDE + "Using_Tags.html",
    ),
    Limit(
        "a tag's value has at most 256 characters",
        TAGGED,
        at_most(256, len, *(f"{path}.Value" for path in TAGS)),
        "InvalidParameterValue",
        "Tag value exceeds the maximum length of 256 characters",
        GUIDE + "Using_Tags.html",
    ),
    Limit(
        f"a region has {ADDRESSES} elastic IP addresses",
        ("AllocateAddress",),
        lambda call: len(_state(call).addresses) >= ADDRESSES,
        "AddressLimitExceeded",
        "The maximum number of addresses has been reached.",
        VPC_QUOTAS,
    ),
    Limit(
        f"a region has {NETWORKS} VPCs, the default one included",
        ("CreateVpc",),
        lambda call: len(_state(call).vpcs) >= NETWORKS,
        "VpcLimitExceeded",
        "The maximum number of VPCs has been reached.",
        VPC_QUOTAS,
    ),
    Limit(
        "a VPC has one internet gateway",
        ("AttachInternetGateway",),
        _attached_already,
        "InvalidParameterValue",
        "Network already has an internet gateway attached",
        EC2_API + "API_AttachInternetGateway.html",
    ),
    Limit(
        "a subnet is a /16 to a /28",
        ("CreateSubnet",),
        all_match(r".*/(1[6-9]|2[0-8])", "CidrBlock"),
        "InvalidSubnet.Range",
        "The CIDR is invalid: a subnet's netmask is between /16 and /28.",
        EC2_API + "API_CreateSubnet.html",
    ),
    Limit(
        f"an ACL has {ACL_ENTRIES} entries in each direction",
        ("CreateNetworkAclEntry",),
        _acl_is_full,
        "NetworkAclEntryLimitExceeded",
        "The maximum number of network acl entries has been reached.",
        VPC_QUOTAS,
    ),
    Limit(
        "an ACL's entries are numbered 1 to 32766",
        ("CreateNetworkAclEntry", "ReplaceNetworkAclEntry"),
        within(1, 32_766, "RuleNumber"),
        "InvalidParameterValue",
        "Value for parameter ruleNumber is invalid: 1 to 32766",
        EC2_API + "API_CreateNetworkAclEntry.html",
    ),
    Limit(
        f"an interface has {GROUPS_OF_AN_INTERFACE} security groups",
        ("RunInstances", "CreateNetworkInterface", "ModifyNetworkInterfaceAttribute"),
        lambda call: (
            len(values(call, "SecurityGroupIds", "Groups", "NetworkInterfaces[].Groups[]"))
            > GROUPS_OF_AN_INTERFACE
        ),
        "SecurityGroupsPerInterfaceLimitExceeded",
        "The maximum number of security groups per interface has been reached.",
        VPC_QUOTAS,
    ),
    Limit(
        "a gp3 volume has 1 to 65,536 GiB",
        ("CreateVolume",),
        lambda call: values(call, "VolumeType") == ["gp3"] and within(1, 65_536, "Size")(call),
        "InvalidParameterValue",
        "Volume size is invalid for volume type gp3: 1 to 65536 GiB",
        EC2_API + "API_CreateVolume.html",
    ),
    Limit(
        "an instance starts from an image that is there",
        ("RunInstances",),
        _unknown_image,
        "InvalidAMIID.NotFound",
        "The image id does not exist",
        EC2_API + "errors-overview.html",
    ),
    Limit(
        "DHCP options are of those that EC2 knows",
        ("CreateDhcpOptions",),
        all_match(
            "domain-name-servers|domain-name|ntp-servers|netbios-name-servers|netbios-node-type"
            "|ipv6-address-preferred-lease-time",
            "DhcpConfigurations[].Key",
        ),
        "InvalidParameterValue",
        "Value for parameter dhcp-option is invalid: unknown option",
        EC2_API + "API_CreateDhcpOptions.html",
    ),
)
