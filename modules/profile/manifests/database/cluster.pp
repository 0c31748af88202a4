# @summary The server and its cluster, on a volume that may be empty, or older than the host.
#
# @api private
class profile::database::cluster {
  $version = $profile::database::version
  $configuration = "/etc/postgresql/${version}/main"
  $data = "/var/lib/postgresql/${version}/main"

  package { 'postgresql-common':
    ensure => installed,
  }

  # The package would make a cluster of its own, without checksums.
  file { '/etc/postgresql-common/createcluster.conf':
    ensure  => file,
    content => "# Managed by Puppet.\ncreate_main_cluster = false\n",
    require => Package['postgresql-common'],
    before  => Class['postgresql::server::install'],
  }

  class { 'postgresql::globals':
    version             => $version,
    # Debian 12 has this version itself.
    manage_package_repo => $facts['os']['name'] != 'Debian',
  }

  class { 'postgresql::server':
    listen_addresses     => '*',
    pg_hba_conf_defaults => false,
    password_encryption  => 'scram-sha-256',
    # The module asks after `postgresql@*`, which is well where none was ever started.
    service_status       => "systemctl is-active --quiet postgresql@${version}-main",
  }
  contain postgresql::server

  package { "postgresql-${version}-postgis-3":
    ensure  => installed,
    require => Class['postgresql::server::install'],
  }

  # Data without a configuration, or of an account that had another number, are a volume's that
  # outlived its host: they are taken over. A configuration without data is an image's.
  exec { 'make the cluster':
    command  => "rm -rf ${configuration}; [ ! -e ${data} ] || chown -R postgres: ${data}; pg_createcluster --locale C.UTF-8 --encoding UTF8 ${version} main -- --data-checksums",
    unless   => "[ -e ${configuration}/postgresql.conf ] && [ -e ${data}/PG_VERSION ] && [ $(stat -c %U ${data}) = postgres ]",
    # Never in the place of a volume that is not mounted.
    onlyif   => "! grep -qs ' /var/lib/postgresql ' /etc/fstab || mountpoint -q /var/lib/postgresql",
    provider => shell,
    path     => ['/usr/sbin', '/usr/bin', '/sbin', '/bin'],
    require  => Class['postgresql::server::install'],
    before   => Class['postgresql::server::initdb'],
  }
}
