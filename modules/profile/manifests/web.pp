# @summary The site on gunicorn. It boots and serves from its image, without Puppet's master.
#
# @param port
#   Where it listens on the loopback interface, for profile::web_proxy.
# @param workers
#   gunicorn's processes.
# @param threads
#   The threads of each.
# @param drain_seconds
#   How long a server about to stop still answers while /readyz says no: longer than the balancer
#   needs to notice.
# @param finish_seconds
#   How long requests under way may take after that.
# @param memory_percent
#   How much of the host's memory the site may have, so that what leaks is killed and not the host.
class profile::web (
  Stdlib::Port $port,
  Integer[1] $workers,
  Integer[1] $threads,
  Integer[0] $drain_seconds,
  Integer[1] $finish_seconds,
  Integer[1, 99] $memory_percent,
) {
  contain airaware::settings

  file { '/usr/local/sbin/airaware-first-boot':
    ensure => file,
    mode   => '0755',
    source => 'puppet:///modules/profile/airaware-first-boot',
  }

  systemd::unit_file { 'airaware-first-boot.service':
    content => epp('profile/airaware-first-boot.service.epp'),
    enable  => true,
  }

  systemd::unit_file { 'airaware-web.service':
    content   => epp('profile/airaware-web.service.epp', {
        'port'           => $port,
        'workers'        => $workers,
        'threads'        => $threads,
        'drain_seconds'  => $drain_seconds,
        'finish_seconds' => $finish_seconds,
        'memory_percent' => $memory_percent,
    }),
    enable    => true,
    active    => true,
    subscribe => [Class['airaware'], Class['airaware::settings']],
  }
}
