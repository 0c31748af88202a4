# @summary The database's years in the bucket, and back from it, or from another zone, where they
#   are missing; and a look each night whether they are still what was loaded.
#
# @param save
#   When years are saved, as systemd writes it.
# @param refill_minutes
#   How often, and how soon after a start, it is looked for years that are missing.
# @param verify_hour
#   At which hour (UTC) the first zone's loads are verified.
# @param verify_hours_apart
#   How much later each further zone's are: never two zones at once.
class profile::backup (
  String[1] $save,
  Integer[1] $refill_minutes,
  Integer[0, 23] $verify_hour,
  Integer[1] $verify_hours_apart,
) {
  contain airaware::settings

  # A refill needs a database with its tables: it would fail, and come again only after minutes.
  require profile::database

  # While an image is made, the zone is not known.
  $order = pick($airaware::settings::zones.keys.sort.index($airaware::settings::zone), 0)
  $verify = sprintf('%02d', ($verify_hour + $order * $verify_hours_apart) % 24)

  $moments = {
    'save'   => "OnCalendar=${save}\nPersistent=yes",
    'refill' => "OnActiveSec=1\nOnBootSec=30\nOnUnitInactiveSec=${refill_minutes}min",
    'verify' => "OnCalendar=*-*-* ${verify}:00:00 UTC",
  }
  $programs = {
    'save'   => 'backup save',
    'refill' => 'backup refill',
    'verify' => 'verify',
  }
  $moments.each |$command, $when| {
    systemd::unit_file { "airaware-${command}.service":
      content => epp('profile/airaware-backup.service.epp', {
          'command' => $command,
          'program' => $programs[$command],
      }),
    }

    systemd::unit_file { "airaware-${command}.timer":
      content => epp('profile/airaware-backup.timer.epp', {
          'command' => $command,
          'moments' => $when,
      }),
      enable  => true,
      active  => true,
      require => [Systemd::Unit_file["airaware-${command}.service"], Class['airaware::settings']],
    }
  }
}
