# @summary Puppet's master and its CA.
class role::puppet {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::puppetserver
}
