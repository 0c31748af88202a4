# @summary The account that AirAware's services run as, and the folder of their settings.
#
# @api private
class airaware::account {
  group { 'airaware':
    ensure => present,
    system => true,
  }

  user { 'airaware':
    ensure => present,
    system => true,
    gid    => 'airaware',
    home   => '/var/lib/airaware',
    shell  => '/usr/sbin/nologin',
  }

  file { '/var/lib/airaware':
    ensure => directory,
    owner  => 'airaware',
    group  => 'airaware',
    mode   => '0750',
  }

  file { '/etc/airaware':
    ensure => directory,
  }
}
