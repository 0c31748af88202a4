# @summary The database, and the schema as the release's own migrations make it.
#
# @api private
class profile::database::schema {
  require airaware

  $database = 'airaware'
  $python = '/opt/airaware/current/venv/bin/python'

  postgresql::server::database { $database:
    owner => 'airaware_owner',
  }

  postgresql::server::database_grant { "the reader may connect to ${database}":
    privilege => 'CONNECT',
    db        => $database,
    role      => 'airaware_reader',
    require   => Postgresql::Server::Role['airaware_reader'],
  }

  postgresql::server::extension { "postgis of ${database}":
    database  => $database,
    extension => 'postgis',
    require   => Package["postgresql-${profile::database::version}-postgis-3"],
  }

  # Tables come and go with loads: what is made from now on is the reader's to read.
  postgresql_psql { 'the reader reads what the owner makes':
    db      => $database,
    command => 'ALTER DEFAULT PRIVILEGES FOR ROLE airaware_owner GRANT SELECT ON TABLES TO airaware_reader',
    unless  => "SELECT FROM pg_default_acl WHERE defaclobjtype = 'r' AND defaclrole = 'airaware_owner'::regrole AND defaclacl::text LIKE '%airaware_reader=r/%'",
    require => [Postgresql::Server::Database[$database], Postgresql::Server::Role['airaware_owner', 'airaware_reader']],
  }

  exec { 'migrate the schema':
    command     => "${python} -m airaware.store.schema",
    unless      => "${python} -m airaware.store.schema --check",
    environment => ["AIRAWARE_ZONES=here=host=/run/postgresql dbname=${database} user=airaware_owner"],
    user        => 'airaware',
    cwd         => '/',
    logoutput   => on_failure,
    tag         => 'host',
    require     => [
      Postgresql::Server::Extension["postgis of ${database}"],
      Postgresql_psql['the reader reads what the owner makes'],
    ],
  }
}
