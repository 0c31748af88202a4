#!/bin/sh
# first-run ROLE BUCKET MASTER: Puppet's first run on a host, tried again (first-run.service) until it
# succeeds: its master may be booting as well.
set -eu
role=$1 bucket=$2 master=$3

# Debian's unit may ask after its main process before that has changed its user, and give up; it also
# gives the server five minutes to start, which a busy machine exceeds. When the host boots again, the
# volume must be there before the server is.
if [ "$role" = puppet ]; then
    mkdir -p /etc/systemd/system/puppetserver.service.d
    printf '%s\n' '[Unit]' RequiresMountsFor=/var/lib/puppet '[Service]' Type=exec TimeoutStartSec=30min \
        >/etc/systemd/system/puppetserver.service.d/first-run.conf
    systemctl daemon-reload
fi

# Images of a role have all of it; the last is what Puppet needs to get more of them.
packages="puppet-agent gnupg"
[ "$role" != puppet ] || packages="$packages puppetserver python3-boto3"
dpkg --status $packages >/dev/null 2>&1 || {
    apt-get -q update
    DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=600 \
        --no-install-recommends install $packages
}

# The master has no master that would give it its code. Its volume may be another instance's, whose
# certificate is that instance's: the CA gives it one of its own as it starts.
if [ "$role" = puppet ]; then
    /usr/local/sbin/puppet-release --bucket "$bucket"
    # A new volume hides the folder that the package has made. The second is the signing policy's.
    install -d -o puppet -g puppet -m 0750 /var/lib/puppet
    install -d -o puppet -g puppet -m 0700 /var/lib/puppet/autosign
    ssl=/var/lib/puppet/ssl known=/var/lib/puppet/certified
    certname=$(puppet config print certname)
    if ! cmp --silent "$known" /etc/puppet/csr_attributes.yaml; then
        systemctl stop puppetserver
        rm -f "$ssl/certs/$certname.pem" "$ssl/private_keys/$certname.pem" \
            "$ssl/public_keys/$certname.pem" "/var/lib/puppet/ca/signed/$certname.pem"
        cp /etc/puppet/csr_attributes.yaml "$known"
    fi
    systemctl enable --quiet puppetserver
    systemctl start puppetserver
fi

# An agent that finds no master has cost seconds of CPU time; this costs none.
until timeout 5 bash -c ": </dev/tcp/$master/8140" 2>/dev/null; do sleep 2; done

# A connection kept alive would make the request for a certificate wait 30 s. The status 2: it changed
# something, as it should.
status=0
puppet agent --onetime --no-daemonize --no-usecacheonfailure --no-splay --detailed-exitcodes \
    --waitforcert 5 --http_keepalive_timeout 0 \
    --waitforlock 5 --maxwaitforlock 10m --logdest syslog --logdest console ||
    status=$?
[ "$status" = 0 ] || [ "$status" = 2 ]

# Who asked before the policy was there was refused, and may ask again.
[ "$role" != puppet ] || rm -f /var/lib/puppet/ca/requests/*.pem
