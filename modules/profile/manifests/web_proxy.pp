# @summary HAProxy in front of the site: lets whole requests through, and no more than it can take.
#
# @param port
#   Where it listens.
# @param checks
#   How many checks of the balancer and readings of metrics gunicorn answers at once.
# @param costly
#   How many costly requests at once; visitors have the rest of gunicorn's threads.
# @param costly_paths
#   What the paths of costly requests begin with.
# @param costly_suffixes
#   What the paths of others end with: files of any span, which are made while they are sent.
# @param connections
#   How many connections may be open at once.
# @param keepalive_seconds
#   How long an idle connection is kept: longer than the balancer keeps it.
# @param request_seconds
#   How long a request's line and headers may take, and then its body.
# @param head_bytes
#   How long they may be, in all.
# @param body_bytes
#   How long a body may be. The site takes none.
# @param read_seconds
#   How long a client may leave its answer unread.
# @param unread_bytes
#   How much of it the kernel keeps meanwhile, without a thread of gunicorn.
# @param answer_seconds
#   How long the site may say nothing.
# @param waiting
#   How many visitors may wait for a place, and as many with costly requests; others get a 503.
# @param wait_milliseconds
#   How long they may.
# @param retry_seconds
#   When those who got a 503 are asked to come back.
# @param balanced
#   Whether a load balancer appends the client's address to X-Forwarded-For; not in the variant `single`.
# @param clients
#   How many addresses are remembered.
# @param client_requests
#   How many requests of an address (of a /64, for IPv6) are answered within `client_seconds`; for
#   more it gets a 429. Each web host counts by itself.
# @param client_seconds
#   See there.
# @param exempt
#   Addresses that are not counted: an operator's load generator.
class profile::web_proxy (
  Stdlib::Port $port,
  Integer[1] $checks,
  Integer[1] $costly,
  Array[Stdlib::Absolutepath, 1] $costly_paths,
  Array[Pattern[/\A\.\w+\z/], 1] $costly_suffixes,
  Integer[1] $connections,
  Integer[1] $keepalive_seconds,
  Integer[1] $request_seconds,
  Integer[16384] $head_bytes,
  Integer[0] $body_bytes,
  Integer[1] $read_seconds,
  Integer[16384] $unread_bytes,
  Integer[1] $answer_seconds,
  Integer[0] $waiting,
  Integer[1] $wait_milliseconds,
  Integer[1] $retry_seconds,
  Boolean $balanced,
  Integer[1] $clients,
  Integer[1] $client_requests,
  Integer[1] $client_seconds,
  Array[Stdlib::IP::Address] $exempt,
) {
  include profile::web

  $visitors = $profile::web::workers * $profile::web::threads - $checks - $costly

  package { 'haproxy':
    ensure => installed,
  }

  file { '/etc/haproxy/haproxy.cfg':
    ensure       => file,
    content      => epp('profile/web-proxy.cfg.epp', {
        'port'              => $port,
        'site_port'         => $profile::web::port,
        'places'            => { 'checks' => $checks, 'costly' => $costly, 'visitors' => $visitors },
        'costly_paths'      => $costly_paths,
        'costly_suffixes'   => $costly_suffixes,
        'connections'       => $connections,
        'keepalive_seconds' => $keepalive_seconds,
        'request_seconds'   => $request_seconds,
        'head_bytes'        => $head_bytes,
        'body_bytes'        => $body_bytes,
        'read_seconds'      => $read_seconds,
        'unread_bytes'      => $unread_bytes,
        'answer_seconds'    => $answer_seconds,
        'waiting'           => $waiting,
        'wait_milliseconds' => $wait_milliseconds,
        'retry_seconds'     => $retry_seconds,
        'balanced'          => $balanced,
        'clients'           => $clients,
        'client_requests'   => $client_requests,
        'client_seconds'    => $client_seconds,
        'exempt'            => $exempt,
    }),
    validate_cmd => '/usr/sbin/haproxy -c -q -f %',
    require      => Package['haproxy'],
  }

  # What refuses never waits for a CPU behind what is busy: others have a weight of 100.
  systemd::dropin_file { 'airaware-weight.conf':
    unit    => 'haproxy.service',
    content => "# Managed by Puppet.\n[Service]\nCPUWeight=500\n",
    require => Package['haproxy'],
  }

  service { 'haproxy':
    ensure    => running,
    enable    => true,
    # Without losing a request.
    restart   => '/usr/bin/systemctl reload haproxy.service',
    subscribe => File['/etc/haproxy/haproxy.cfg'],
    # A site of a release without a proxy has the port until then.
    require   => Class['profile::web'],
  }
}
