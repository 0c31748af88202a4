#!/bin/sh
# Installs the agent by which AWS Systems Manager reaches the host, where the image lacks it. A host
# without a way to Amazon's packages does its work all the same.
set -u
command -v amazon-ssm-agent >/dev/null && exit 0
package=$(mktemp --suffix=.deb)
trap 'rm -f "$package"' EXIT
curl --fail --silent --show-error --location --connect-timeout 20 --retry 3 --output "$package" \
    https://s3.amazonaws.com/ec2-downloads-windows/SSMAgent/latest/debian_amd64/amazon-ssm-agent.deb &&
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=900 install "$package" &&
    exit 0
echo "install-ssm-agent: not installed; this host cannot be reached by Session Manager" >&2
