# @summary One zone's database.
class role::database {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::database
  include profile::backup
}
