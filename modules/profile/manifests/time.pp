# @summary The host's clock: UTC, kept right by chrony.
#
# @param servers
#   Time servers, each asked by NTP.
# @param service
#   Whether chrony runs; a host that shares another machine's clock has it stopped.
class profile::time (
  Array[Stdlib::Host, 1] $servers,
  Stdlib::Ensure::Service $service,
) {
  package { 'chrony':
    ensure => installed,
  }

  file { '/etc/chrony/chrony.conf':
    ensure  => file,
    content => epp('profile/chrony.conf.epp', { 'servers' => $servers }),
    require => Package['chrony'],
    notify  => Service['chrony'],
  }

  service { 'chrony':
    ensure => $service,
    enable => $service == 'running',
  }

  file { '/etc/localtime':
    ensure => link,
    target => '/usr/share/zoneinfo/Etc/UTC',
  }
}
