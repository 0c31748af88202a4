# @summary Prometheus, and Grafana where its package can be had.
class role::monitoring {
  include profile::base
  include profile::prometheus
  include profile::grafana
}
