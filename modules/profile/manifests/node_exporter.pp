# @summary The host's own metrics, for Prometheus, on port 9100.
#
# @param arguments
#   The exporter's options.
class profile::node_exporter (
  Array[String[1]] $arguments,
) {
  package { 'prometheus-node-exporter':
    ensure => installed,
  }

  file { '/etc/default/prometheus-node-exporter':
    ensure  => file,
    content => "# Managed by Puppet.\nARGS=\"${join($arguments, ' ')}\"\n",
    require => Package['prometheus-node-exporter'],
    notify  => Service['prometheus-node-exporter'],
  }

  service { 'prometheus-node-exporter':
    ensure => running,
    enable => true,
  }
}
