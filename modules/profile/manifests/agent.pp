# @summary Puppet's agent: asks the master regularly, each host at a moment of its own.
#
# @param settings
#   puppet.conf by section, but for the certificate's name, which the host has already.
# @param confdir
#   The folder of puppet.conf, which differs between the distribution's and Puppet's own packages.
# @param service
#   Whether the agent runs by itself.
class profile::agent (
  Hash[Enum['main', 'agent', 'server'], Hash[String[1], Variant[String[1], Integer, Boolean]]] $settings,
  Stdlib::Absolutepath $confdir,
  Stdlib::Ensure::Service $service,
) {
  file { "${confdir}/puppet.conf":
    ensure  => file,
    content => epp('profile/puppet.conf.epp', {
        'settings' => $settings + { 'main' => $settings['main'] + { 'certname' => $trusted['certname'] } },
    }),
    notify  => Service['puppet'],
  }

  service { 'puppet':
    ensure => $service,
    enable => $service == 'running',
  }
}
