# @summary One of Spark's daemons as a service.
#
# @param java_class
#   The daemon's class.
# @param arguments
#   Its command line.
# @param environment
#   Further environment variables.
#
# @api private
define spark::daemon (
  String[1] $java_class,
  Array[String[1]] $arguments,
  Hash[Pattern[/\A[A-Z_]+\z/], String[1]] $environment = {},
) {
  require spark

  # Tasks run in JVMs of their own. A daemon does little after its start, for which the quick compiler
  # and the serial collector need 3 s of CPU time in the place of 6.
  $java_options = { 'SPARK_DAEMON_JAVA_OPTS' => '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' }

  systemd::unit_file { "${title}.service":
    content   => epp('spark/daemon.service.epp', {
        'title'       => $title,
        'home'        => $spark::home,
        'user'        => $spark::user,
        'java_class'  => $java_class,
        'arguments'   => $arguments,
        'environment' => $java_options + $environment,
    }),
    enable    => true,
    active    => true,
    subscribe => Class['spark'],
  }
}
