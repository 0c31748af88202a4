# @summary PostgreSQL's metrics and the manifest of what is loaded, for Prometheus, on port 9187.
#
# @api private
class profile::database::exporter {
  package { 'prometheus-postgres-exporter':
    ensure => installed,
  }

  postgresql::server::role { 'prometheus': }

  # Statistics, and the manifest.
  ['pg_monitor', 'airaware_reader'].each |$group| {
    postgresql::server::grant_role { "the exporter reads as ${group}":
      group   => $group,
      role    => 'prometheus',
      require => Postgresql::Server::Role['airaware_reader'],
      before  => Service['prometheus-postgres-exporter'],
    }
  }

  # Prometheus' own package would make the folder.
  file { '/etc/prometheus':
    ensure => directory,
  }

  file { '/etc/prometheus/loads.yaml':
    ensure => file,
    source => 'puppet:///modules/profile/prometheus/loads.yaml',
    notify => Service['prometheus-postgres-exporter'],
  }

  file { '/etc/default/prometheus-postgres-exporter':
    ensure  => file,
    content => @(ENV),
      # Managed by Puppet. Its account is let in by name.
      DATA_SOURCE_NAME="user=prometheus host=/run/postgresql dbname=airaware"
      ARGS="--extend.query-path=/etc/prometheus/loads.yaml"
      | ENV
    require => Package['prometheus-postgres-exporter'],
    notify  => Service['prometheus-postgres-exporter'],
  }

  service { 'prometheus-postgres-exporter':
    ensure => running,
    enable => true,
  }
}
