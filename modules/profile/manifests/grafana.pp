# @summary Grafana on port 3000, in environments that have its package.
#
# @param ensure
#   Whether it is there. The distributions lack it: profile::packages names a source that has it.
class profile::grafana (
  Enum['present', 'absent'] $ensure,
) {
  package { 'grafana':
    ensure => $ensure,
  }

  if $ensure == 'present' {
    service { 'grafana-server':
      ensure  => running,
      enable  => true,
      require => Package['grafana'],
    }
  }
}
