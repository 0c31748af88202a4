# What the image of all hosts has beside packages and wheels: a web host's configuration, with which it
# serves before it has a catalog; the settings of Puppet Server, which would start twice otherwise; and
# the policy by which it signs, so that no host waits for the master's own run.
include role::web
include profile::puppetserver::server
include profile::puppetserver::autosign
