# What the image of all hosts has beside packages and wheels: a web host's configuration, with which it
# serves before it has a catalog, and the settings of Puppet Server, which would start twice otherwise.
include role::web
include profile::puppetserver::server
