# @summary Who may connect and how: SCRAM over TLS from other hosts, accounts of this host by name.
#
# @api private
class profile::database::access {
  $database = 'airaware'

  postgresql::server::pg_ident_rule { 'airaware owns its database':
    map_name          => 'airaware',
    system_username   => 'airaware',
    database_username => 'airaware_owner',
  }

  postgresql::server::pg_hba_rule {
    default:
      type        => 'local',
      auth_method => 'peer',
      ;
    'administration':
      database => 'all',
      user     => 'postgres',
      order    => 1,
      ;
    'migrations and backups':
      database    => $database,
      user        => 'airaware_owner',
      auth_option => 'map=airaware',
      order       => 2,
      ;
    'metrics':
      database => $database,
      user     => 'prometheus',
      order    => 3,
      ;
  }

  $profile::database::clients.each |$index, $clients| {
    postgresql::server::pg_hba_rule { "loads and queries from ${clients}":
      type        => 'hostssl',
      database    => $database,
      user        => 'airaware_owner,airaware_reader',
      address     => $clients,
      auth_method => 'scram-sha-256',
      order       => 10 + $index,
    }
  }

  $profile::database::secrets.each |$role, $secret| {
    profile::database::login { $role:
      secret => $secret,
    }
  }
}
