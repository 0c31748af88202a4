# @summary Puppet's master: serves catalogs, and signs the certificates of hosts that EC2 confirms.
#
# @param clean_minutes
#   How often certificates of instances that are gone are revoked.
class profile::puppetserver (
  Integer[1] $clean_minutes,
) {
  include profile::agent
  contain profile::puppetserver::server
  contain profile::puppetserver::autosign
  require profile::release

  $cadir = $profile::agent::settings['server']['cadir']
  $read = ['main', 'server'].map |$section| {
    $profile::agent::settings[$section].keys.map |$name| { Ini_setting["${section} ${name}"] }
  }

  # Which instance each certificate was signed for: kept with the CA, for as long as that.
  file { $profile::puppetserver::autosign::ledger:
    ensure  => directory,
    owner   => 'puppet',
    group   => 'puppet',
    mode    => '0700',
    require => Package['puppetserver'],
  }

  Class['profile::puppetserver::autosign'] -> Service['puppetserver']

  systemd::unit_file { 'airaware-clean-certificates.service':
    content => epp('profile/airaware-clean-certificates.service.epp', {
        'python' => $profile::puppetserver::autosign::python,
        'region' => $airaware::region,
        'cadir'  => $cadir,
    }),
  }

  systemd::unit_file { 'airaware-clean-certificates.timer':
    content => epp('profile/airaware-clean-certificates.timer.epp', { 'minutes' => $clean_minutes }),
    enable  => true,
    active  => true,
    require => Systemd::Unit_file['airaware-clean-certificates.service'],
  }

  # In an image it would make a CA before the host's volume, which may have one, is there.
  service { 'puppetserver':
    ensure    => running,
    enable    => true,
    subscribe => [Class['profile::puppetserver::server'], flatten($read)],
    tag       => 'host',
  }
}
