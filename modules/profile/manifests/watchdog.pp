# @summary The site's watchdog: kills workers that hang, restarts the site, or has the host replaced.
class profile::watchdog {
  include profile::node_exporter

  $textfiles = $profile::node_exporter::textfiles

  systemd::unit_file { 'airaware-watchdog.service':
    content   => epp('profile/airaware-watchdog.service.epp', {
        'file' => "${textfiles}/watchdog.prom",
    }),
    enable    => true,
    active    => true,
    require   => File[$textfiles],
    subscribe => [Class['airaware'], Class['airaware::settings']],
  }
}
