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

  systemd::unit_file { "${title}.service":
    content   => epp('spark/daemon.service.epp', {
        'title'       => $title,
        'home'        => $spark::home,
        'user'        => $spark::user,
        'java_class'  => $java_class,
        'arguments'   => $arguments,
        'environment' => $environment,
    }),
    enable    => true,
    active    => true,
    subscribe => Class['spark'],
  }
}
