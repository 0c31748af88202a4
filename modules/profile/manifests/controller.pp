# @summary Where jobs start: Spark's settings for a driver, and the main job as one command.
#
# @param refresh
#   Whether a timer asks EPA for newer files, and loads what changed.
# @param refresh_at
#   When it does so, as systemd writes it.
class profile::controller (
  Boolean $refresh,
  String[1] $refresh_at,
) {
  contain airaware::settings
  contain spark

  Class['airaware'] -> Class['spark']

  # `fab submit-year` starts it, as a unit of systemd that runs as the account airaware.
  file { '/usr/local/bin/airaware-batch':
    ensure => file,
    mode   => '0755',
    source => 'puppet:///modules/profile/airaware-batch',
  }

  systemd::unit_file { 'airaware-refresh.service':
    source => 'puppet:///modules/profile/airaware-refresh.service',
  }

  systemd::unit_file { 'airaware-refresh.timer':
    content => epp('profile/airaware-refresh.timer.epp', { 'moment' => $refresh_at }),
    enable  => $refresh,
    active  => $refresh,
    require => [
      Systemd::Unit_file['airaware-refresh.service'],
      File['/usr/local/bin/airaware-batch'],
      Class['airaware::settings'],
    ],
  }
}
