# @summary Puppet's agent: asks the master regularly, each host at a moment of its own.
#
# @param settings
#   puppet.conf by section, but for the certificate's name, which the host has already.
# @param confdir
#   The folder of puppet.conf, which differs between the distribution's and Puppet's own packages.
# @param facter_conf
#   Facter's configuration, whose folder differs likewise.
# @param facts_left_out
#   Facts, or groups of them, that no catalog asks for and that take long to find.
# @param service
#   Whether the agent runs by itself.
class profile::agent (
  Hash[Enum['main', 'agent', 'server'], Hash[String[1], Variant[String[1], Integer, Boolean]]] $settings,
  Stdlib::Absolutepath $confdir,
  Stdlib::Absolutepath $facter_conf,
  Array[String[1]] $facts_left_out,
  Stdlib::Ensure::Service $service,
) {
  $own = { 'main' => $settings['main'] + { 'certname' => $trusted['certname'] } }

  # One by one: puppetserver need not start anew for a setting of the agent's.
  ($settings + $own).each |$section, $entries| {
    $entries.each |$name, $value| {
      ini_setting { "${section} ${name}":
        path    => "${confdir}/puppet.conf",
        section => $section,
        setting => $name,
        value   => String($value),
        notify  => Service['puppet'],
        tag     => 'host',
      }
    }
  }

  # Without the tag: an image has it, so that a host's first run is as quick as the others.
  file { dirname($facter_conf):
    ensure => directory,
  }
  file { $facter_conf:
    content => to_json_pretty({ 'facts' => { 'blocklist' => $facts_left_out } }),
  }

  # In an image it would start before the host's first boot has said who the host is.
  service { 'puppet':
    ensure => $service,
    enable => $service == 'running',
    tag    => 'host',
  }
}
