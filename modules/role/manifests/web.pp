# @summary The site behind a proxy of its own, and that behind the balancer.
class role::web {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::web
  include profile::web_proxy
  include profile::watchdog
  include profile::cpu_metric
}
