# @summary Where the operator's jobs start: Spark's driver.
class role::controller {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::controller
}
