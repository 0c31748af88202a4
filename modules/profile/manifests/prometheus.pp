# @summary Prometheus on port 9090; what it watches are the hosts that EC2 lists.
#
# @param region
#   AWS region whose hosts it finds.
# @param environment
#   The hosts' tag Environment.
# @param retention
#   How long it keeps what it has measured, as Prometheus writes it: 30d.
# @param jobs
#   What it asks of hosts, by the job's name: the port, the path, and the role that has it (all).
# @param site
#   Pages that it asks as a visitor would, through the balancer.
# @param services
#   What else it asks, by the job's name: a port, and the DNS name of all that listen there.
# @param endpoint
#   Where EC2 is, if not where AWS has it.
class profile::prometheus (
  String[1] $region,
  String[1] $environment,
  Pattern[/\A\d+[hdwy]\z/] $retention,
  Hash[Pattern[/\A[a-z_]+\z/], Struct[{ port => Stdlib::Port, Optional[role] => String[1], Optional[path] => String[1] }], 1] $jobs,
  Array[Stdlib::HTTPUrl, 1] $site,
  Hash[Pattern[/\A[a-z_]+\z/], Struct[{ port => Stdlib::Port, name => Stdlib::Fqdn }]] $services,
  Optional[Stdlib::HTTPSUrl] $endpoint = undef,
) {
  package { ['prometheus', 'prometheus-blackbox-exporter']:
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

  file { '/etc/prometheus/rules':
    ensure  => directory,
    source  => 'puppet:///modules/profile/prometheus/rules',
    recurse => true,
    purge   => true,
    ignore  => '*_test.yaml',
    require => Package['prometheus'],
    notify  => Service['prometheus'],
  }

  file { '/etc/prometheus/prometheus.yml':
    ensure       => file,
    content      => epp('profile/prometheus.yml.epp', {
        'region'      => $region,
        'endpoint'    => $endpoint,
        'environment' => $environment,
        'jobs'        => $jobs,
        'site'        => $site,
        'services'    => $services,
    }),
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

  file { '/etc/prometheus/blackbox.yml':
    ensure  => file,
    source  => 'puppet:///modules/profile/prometheus/blackbox.yml',
    require => Package['prometheus-blackbox-exporter'],
  }

  file { '/etc/default/prometheus-blackbox-exporter':
    ensure  => file,
    content => "# Managed by Puppet.\nARGS=\"--config.file=/etc/prometheus/blackbox.yml --web.listen-address=127.0.0.1:9115\"\n",
    require => Package['prometheus-blackbox-exporter'],
  }

  service { 'prometheus-blackbox-exporter':
    ensure    => running,
    enable    => true,
    subscribe => File['/etc/prometheus/blackbox.yml', '/etc/default/prometheus-blackbox-exporter'],
  }
}
