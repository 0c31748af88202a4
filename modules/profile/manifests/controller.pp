# @summary Where jobs start: Spark's settings for a driver, and the package's commands on the PATH.
#
# @param commands
#   Programs of the release that the operator calls by name.
class profile::controller (
  Array[Pattern[/\A[a-z-]+\z/]] $commands,
) {
  contain airaware::settings
  contain spark

  Class['airaware'] -> Class['spark']

  $commands.each |$command| {
    file { "/usr/local/bin/${command}":
      ensure => link,
      target => "/opt/airaware/current/venv/bin/${command}",
    }
  }
}
