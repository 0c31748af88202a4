# @summary Prometheus on port 9090; what it watches are the hosts that EC2 lists.
#
# @param region
#   AWS region whose hosts it finds.
# @param retention
#   How long it keeps what it has measured, as Prometheus writes it: 30d.
class profile::prometheus (
  String[1] $region,
  Pattern[/\A\d+[hdwy]\z/] $retention,
) {
  package { 'prometheus':
    ensure => installed,
  }

  # A volume of its own, whose folder is root's at first.
  file { '/var/lib/prometheus':
    ensure  => directory,
    owner   => 'prometheus',
    group   => 'prometheus',
    mode    => '0755',
    require => Package['prometheus'],
  }

  file { '/etc/prometheus/prometheus.yml':
    ensure       => file,
    content      => epp('profile/prometheus.yml.epp', { 'region' => $region }),
    validate_cmd => '/usr/bin/promtool check config --syntax-only %',
    require      => Package['prometheus'],
  }

  file { '/etc/default/prometheus':
    ensure  => file,
    content => "# Managed by Puppet.\nARGS=\"--storage.tsdb.retention.time=${retention}\"\n",
    require => Package['prometheus'],
  }

  service { 'prometheus':
    ensure    => running,
    enable    => true,
    subscribe => File['/etc/prometheus/prometheus.yml', '/etc/default/prometheus', '/var/lib/prometheus'],
  }
}
