# @summary PostgreSQL's metrics, for Prometheus, on port 9187.
#
# @api private
class profile::database::exporter {
  package { 'prometheus-postgres-exporter':
    ensure => installed,
  }

  postgresql::server::role { 'prometheus': }

  postgresql::server::grant_role { 'the exporter reads statistics':
    group => 'pg_monitor',
    role  => 'prometheus',
  }

  file { '/etc/default/prometheus-postgres-exporter':
    ensure  => file,
    content => @(ENV),
      # Managed by Puppet. Its account is let in by name.
      DATA_SOURCE_NAME="user=prometheus host=/run/postgresql dbname=postgres"
      | ENV
    require => Package['prometheus-postgres-exporter'],
    notify  => Service['prometheus-postgres-exporter'],
  }

  service { 'prometheus-postgres-exporter':
    ensure  => running,
    enable  => true,
    require => Postgresql::Server::Grant_role['the exporter reads statistics'],
  }
}
