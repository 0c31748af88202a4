# @summary Prometheus with Alertmanager, and Grafana where its package can be had.
class role::monitoring {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::prometheus
  include profile::alertmanager
  include profile::grafana
  include profile::scaling
}
