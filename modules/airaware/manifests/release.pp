# @summary The release itself: installed beside the others, then linked.
#
# @api private
class airaware::release {
  $folder = "/opt/airaware/releases/${airaware::version}"
  $arguments = "${airaware::version} ${join($airaware::extras, ',')} ${airaware::python}"

  file { ['/opt/airaware', '/opt/airaware/releases']:
    ensure => directory,
  }

  exec { 'install the release':
    command   => "/usr/local/sbin/airaware-release ${arguments}",
    unless    => "/usr/local/sbin/airaware-release --check ${arguments}",
    timeout   => 900,
    logoutput => on_failure,
    require   => File['/opt/airaware/releases'],
  }

  file { '/opt/airaware/current':
    ensure  => link,
    target  => $folder,
    require => Exec['install the release'],
  }
}
