# @summary The database's years in the bucket, and back from it, or from another zone, where they
#   are missing.
#
# @param save
#   When years are saved, as systemd writes it.
# @param refill_minutes
#   How often, and how soon after a start, it is looked for years that are missing.
class profile::backup (
  String[1] $save,
  Integer[1] $refill_minutes,
) {
  contain airaware::settings

  # A refill needs a database with its tables: it would fail, and come again only after minutes.
  require profile::database

  $moments = {
    'save'   => "OnCalendar=${save}\nPersistent=yes",
    'refill' => "OnActiveSec=1\nOnBootSec=30\nOnUnitInactiveSec=${refill_minutes}min",
  }
  $moments.each |$command, $when| {
    systemd::unit_file { "airaware-${command}.service":
      content => epp('profile/airaware-backup.service.epp', { 'command' => $command }),
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
