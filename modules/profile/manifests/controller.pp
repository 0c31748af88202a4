# @summary Where jobs start: Spark's settings for a driver, and the main job as one command.
class profile::controller {
  contain airaware::settings
  contain spark

  Class['airaware'] -> Class['spark']

  # `fab submit-year` starts it, as a unit of systemd that runs as the account airaware.
  file { '/usr/local/bin/airaware-batch':
    ensure => file,
    mode   => '0755',
    source => 'puppet:///modules/profile/airaware-batch',
  }
}
