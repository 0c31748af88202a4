# @summary The host's journal in the bucket: regularly, and once more when the host stops.
#
# @param minutes
#   How often.
# @param services
#   Services whose last words must be in it: it stops after them.
class profile::journal (
  Integer[1] $minutes,
  Array[Pattern[/\.service\z/]] $services,
) {
  require profile::release

  $certificate = $trusted['extensions']
  $host = $trusted['certname'].split('[.]')[0]

  # The bucket lets a role write below its own name.
  $prefix = "logs/${certificate['pp_role']}/${host}/${certificate['pp_instance_id']}"

  systemd::unit_file { 'airaware-journal.service':
    content => epp('profile/airaware-journal.service.epp', { 'prefix' => $prefix }),
    require => Class['airaware'],
    tag     => 'host',
  }

  systemd::unit_file { 'airaware-journal.timer':
    content => epp('profile/airaware-journal.timer.epp', { 'minutes' => $minutes }),
    enable  => true,
    active  => true,
    require => Systemd::Unit_file['airaware-journal.service'],
    tag     => 'host',
  }

  systemd::unit_file { 'airaware-journal-last.service':
    content => epp('profile/airaware-journal-last.service.epp', { 'prefix' => $prefix, 'services' => $services }),
    enable  => true,
    active  => true,
    require => Systemd::Unit_file['airaware-journal.service'],
    tag     => 'host',
  }
}
