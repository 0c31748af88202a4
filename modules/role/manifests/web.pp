# @summary The site, behind the balancer.
class role::web {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::web
  include profile::watchdog
  include profile::cpu_metric
}
