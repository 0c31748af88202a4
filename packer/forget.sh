#!/bin/sh
# The last of a build: takes out what must be each host's own, and what is nobody's business.
set -eu
# What a role runs starts with its Puppet run, or on web hosts with airaware-first-boot: the host knows
# who it is by then, and its volume is mounted. A server that began before would keep its data beneath.
for unit in puppet puppetserver postgresql prometheus prometheus-alertmanager \
    prometheus-blackbox-exporter prometheus-postgres-exporter haproxy airaware-web airaware-watchdog \
    airaware-cpu-metric; do
    systemctl disable --quiet "$unit.service"
done
# A database makes its cluster on its volume.
rm -rf /var/lib/postgresql/*/main /etc/postgresql/*/main
# The host's identity: certificate, keys, machine-id, what cloud-init knows of the builder.
rm -rf /var/lib/amazon/ssm /var/lib/puppet/ssl /etc/puppet/csr_attributes.yaml /etc/ssh/ssh_host_*
rm -f /etc/airaware/passwords /etc/airaware/ca.pem /etc/airaware/zone /var/lib/dbus/machine-id
: >/etc/machine-id
cloud-init clean --logs --seed
# The builder's key, and traces of the build.
rm -rf /root/.ssh /home/*/.ssh /root/.bash_history /home/*/.bash_history
rm -rf /var/cache/puppet/state /var/cache/puppet/public/* /root/.cache
find /tmp /var/tmp -xdev -mindepth 1 -delete || true
apt-get clean
find /var/log -type f -name '*.log' -delete
find /var/log/journal -type f -delete 2>/dev/null || true
sync
