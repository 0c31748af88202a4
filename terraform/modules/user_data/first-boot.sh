#!/bin/sh
# first-boot ROLE ENVIRONMENT DOMAIN [NAME]: what Puppet's agent must find on a host before its first
# run: who the host is, for its certificate's request, and its own name at its real address (Spark
# takes it from there).
set -eu
role=$1 environment=$2 domain=$3 base=http://169.254.169.254/latest
token=$(curl -fsS --retry 10 --retry-connrefused -X PUT \
    -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' "$base/api/token")
metadata() { curl -fsS --retry 10 -H "X-aws-ec2-metadata-token: $token" "$base/meta-data/$1"; }
instance_id=$(metadata instance-id) zone=$(metadata placement/availability-zone) address=$(metadata local-ipv4)
name=${4:-$instance_id}

cat >/etc/hosts <<HOSTS
127.0.0.1 localhost
$address $name.$domain $name $(hostname)
HOSTS

mkdir -p /etc/puppet
# A host from an image of its role has it already, and keeps it so.
cat >/etc/puppet/csr_attributes.yaml <<ATTRIBUTES
extension_requests:
  pp_role: $role
  pp_environment: $environment
  pp_zone: $zone
  pp_instance_id: $instance_id
ATTRIBUTES

# NIST allows RSA keys of 3072 bits beyond 2030 (SP 800-57 Part 1, Rev. 5, table 4). Puppet Server needs
# up to half a minute of CPU time, by chance, for each of its two where they have Puppet's 4096.
cat >/etc/puppet/puppet.conf <<CONF
[main]
keylength = 3072
certname = $name.$domain
server = puppet.$domain
ssldir = /var/lib/puppet/ssl
[agent]
preprocess_deferred = false
[server]
cadir = /var/lib/puppet/ca
autosign = /usr/local/sbin/airaware-autosign
CONF

systemctl enable --quiet --now --no-block first-run.service
