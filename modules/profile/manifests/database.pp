# @summary One zone's database: PostgreSQL with PostGIS, over TLS only, its schema up to date.
#
# @param version
#   PostgreSQL's major version.
# @param clients
#   Addresses that may connect; security groups say which of them can.
# @param web_hosts
#   How many web hosts there may be, in all zones together: each may ask this database alone.
# @param web_workers
#   The processes of each.
# @param web_threads
#   The threads of each process, which hold a connection each, and the process one more.
# @param other_connections
#   How many connections there are beside theirs.
# @param settings
#   postgresql.conf, but for what follows from the host's memory and name.
# @param secrets
#   The names of the secrets that are the passwords, by database role.
# @param memory_mib
#   Memory to reckon with; the host's where it is not given.
class profile::database (
  Pattern[/\A\d+\z/] $version,
  Array[Stdlib::IP::Address::V4::CIDR, 1] $clients,
  Integer[1] $web_hosts,
  Integer[1] $web_workers,
  Integer[1] $web_threads,
  Integer[10] $other_connections,
  Hash[String[1], Variant[String, Integer]] $settings,
  Hash[Enum['airaware_owner', 'airaware_reader'], String[1], 2, 2] $secrets,
  Optional[Integer[256]] $memory_mib = undef,
) {
  $memory = pick($memory_mib, $facts['memory']['system']['total_bytes'] / 1048576)

  $max_connections = $web_hosts * $web_workers * ($web_threads + 1) + $other_connections

  # A quarter for PostgreSQL's own cache, the rest for the kernel's; sorts of all connections
  # together within an eighth.
  $tuned = {
    'shared_buffers'       => "${$memory / 4}MB",
    'effective_cache_size' => "${$memory * 5 / 8}MB",
    'maintenance_work_mem' => "${min(1024, $memory / 16)}MB",
    'work_mem'             => "${max(4, $memory / 8 / $max_connections)}MB",
    'max_connections'      => $max_connections,
  }

  contain profile::database::cluster
  contain profile::database::tls
  contain profile::database::access
  contain profile::database::schema
  contain profile::database::exporter

  ($settings + $tuned).each |$name, $value| {
    postgresql::server::config_entry { $name:
      value => $value,
    }
  }

  Class['profile::database::cluster']
  -> Class['profile::database::access']
  -> Class['profile::database::schema']
  -> Class['profile::database::exporter']
}
