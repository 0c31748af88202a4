# @summary The host's own metrics, for Prometheus, on port 9100.
#
# @param arguments
#   The exporter's options.
# @param textfiles
#   The folder of files that it adds to its own metrics.
# @param puppet_summary
#   Where the agent writes how its last run went.
# @param certificate
#   The host's, by Puppet's CA.
class profile::node_exporter (
  Array[String[1]] $arguments,
  Stdlib::Absolutepath $textfiles,
  Stdlib::Absolutepath $puppet_summary,
  Stdlib::Absolutepath $certificate,
) {
  require profile::release

  package { 'prometheus-node-exporter':
    ensure => installed,
  }

  # AirAware's services write there, too.
  file { $textfiles:
    ensure  => directory,
    group   => 'airaware',
    mode    => '0775',
    require => [Package['prometheus-node-exporter'], Class['airaware::account']],
  }

  file { '/etc/default/prometheus-node-exporter':
    ensure  => file,
    content => "# Managed by Puppet.\nARGS=\"${join($arguments + ["--collector.textfile.directory=${textfiles}"], ' ')}\"\n",
    require => Package['prometheus-node-exporter'],
    notify  => Service['prometheus-node-exporter'],
  }

  service { 'prometheus-node-exporter':
    ensure => running,
    enable => true,
  }

  systemd::unit_file { 'airaware-host-metrics.service':
    content   => epp('profile/airaware-host-metrics.service.epp', {
        'file'        => "${textfiles}/host.prom",
        'puppet'      => $puppet_summary,
        'certificate' => $certificate,
    }),
    enable    => true,
    active    => true,
    require   => File[$textfiles],
    subscribe => Class['airaware'],
    tag       => 'host',
  }
}
