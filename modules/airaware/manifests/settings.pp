# @summary The environment variables of AirAware's processes, and their password file.
#
# @param zones
#   The zones' databases: host names by zone.
# @param zone
#   The zone that this host is in.
# @param role
#   The database role of the host's processes.
# @param password
#   The name of the secret that is that role's password.
# @param own_database
#   Whether the host is its zone's database, which it then reaches as the owner, without a password.
# @param variables
#   Further environment variables.
class airaware::settings (
  Hash[String[1], Stdlib::Fqdn, 1] $zones,
  String[1] $zone,
  Enum['airaware_owner', 'airaware_reader'] $role,
  String[1] $password,
  Boolean $own_database,
  Hash[Pattern[/\A[A-Z_]+\z/], String] $variables,
) {
  require airaware
  require airaware::ca

  $databases = $zones.map |$name, $host| {
    $login = ($own_database and $name == $zone) ? {
      true    => 'host=/run/postgresql user=airaware_owner',
      default => "host=${host} user=${role} sslmode=verify-full sslrootcert=${airaware::ca::file}",
    }
    "${name}=dbname=airaware ${login}"
  }

  file { '/etc/airaware/settings':
    ensure  => file,
    content => epp('airaware/settings.epp', {
        'variables' => {
          'AIRAWARE_ZONES'     => join($databases, '; '),
          'AIRAWARE_RAW'       => "s3://${airaware::bucket}/raw",
          'AIRAWARE_BULK'      => "s3://${airaware::bucket}/bulk",
          'AWS_DEFAULT_REGION' => $airaware::region,
          'PGPASSFILE'         => '/etc/airaware/passwords',
        } + $variables,
    }),
  }

  file { '/etc/airaware/zone':
    ensure  => file,
    content => "AIRAWARE_ZONE=${zone}\n",
    tag     => 'host',
  }

  file { '/etc/airaware/passwords':
    ensure    => file,
    owner     => 'airaware',
    mode      => '0600',
    content   => Sensitive(Deferred('airaware::passwords', [{ $role => $password }])),
    show_diff => false,
    backup    => false,
    tag       => 'host',
  }
}
