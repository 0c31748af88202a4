# @summary The dashboards on port 3000: Grafana's, in environments that have its package, or a page
#   that draws the same panels.
#
# @param ensure
#   Whether Grafana is there. The distributions lack it: profile::packages names a source that has it.
# @param port
#   Where the page listens; Grafana's own is 3000.
class profile::grafana (
  Enum['present', 'absent'] $ensure,
  Stdlib::Port $port,
) {
  require profile::release

  $python = '/opt/airaware/current/venv/bin/python'

  package { 'grafana':
    ensure => $ensure,
  }

  systemd::unit_file { 'airaware-dashboards.service':
    content   => epp('profile/airaware-dashboards.service.epp', { 'python' => $python, 'port' => $port }),
    enable    => $ensure == 'absent',
    active    => $ensure == 'absent',
    subscribe => Class['airaware'],
  }

  if $ensure == 'present' {
    file { '/etc/grafana/provisioning/datasources/airaware.yaml':
      ensure  => file,
      source  => 'puppet:///modules/profile/grafana/datasources.yaml',
      require => Package['grafana'],
    }

    file { '/etc/grafana/provisioning/dashboards/airaware.yaml':
      ensure  => file,
      source  => 'puppet:///modules/profile/grafana/dashboards.yaml',
      require => Package['grafana'],
    }

    # Grafana looks there itself from time to time.
    exec { 'write the dashboards':
      command     => "${python} -m airaware.host.dashboards.panels /var/lib/grafana/dashboards",
      refreshonly => true,
      subscribe   => [Class['airaware'], Package['grafana']],
    }

    service { 'grafana-server':
      ensure    => running,
      enable    => true,
      require   => Systemd::Unit_file['airaware-dashboards.service'],
      subscribe => File['/etc/grafana/provisioning/datasources/airaware.yaml', '/etc/grafana/provisioning/dashboards/airaware.yaml'],
    }
  }
}
