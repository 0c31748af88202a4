# @summary Save the database's loads to the bucket, refill missing ones, and verify all each night.
#
# @param save
#   When loads are saved, as systemd writes it.
# @param refill_minutes
#   How often, and how soon after a start, missing loads are looked for.
# @param verify_hour
#   Hour (UTC) at which the first zone's loads are verified.
# @param verify_hours_apart
#   Hours between one zone's verification and the next's: never two zones at once.
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
    'save'   => '-m airaware.store.backup save',
    'refill' => '-m airaware.store.backup refill',
    'verify' => '-m airaware.store.verify',
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
