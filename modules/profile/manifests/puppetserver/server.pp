# @summary Puppet Server as a package, and the settings that it reads as it starts.
#
# The hosts' image has them, so that the server starts once.
#
# @param memory
#   The server's heap, as Java writes it.
# @param instances
#   How many catalogs are compiled at once.
class profile::puppetserver::server (
  Pattern[/\A\d+[mg]\z/] $memory,
  Integer[1] $instances,
) {
  include profile::agent

  # The server compiles a few dozen catalogs an hour: on such a load the JVM's quick compiler and its
  # serial collector, both made for short and small programs, need less CPU time than the defaults
  # to start it and to compile a catalog for each of nine hosts (docs/puppet.md).
  $java_args = [
    "-Xms${memory}",
    "-Xmx${memory}",
    '-XX:TieredStopAtLevel=1',
    '-XX:+UseSerialGC',
    '-Djruby.logger.class=com.puppetlabs.jruby_utils.jruby.Slf4jLogger',
  ]

  # `puppet-release` asks for it, with the certificate that the server has from its own CA: that alone
  # has the extension.
  $clear_cache = {
    'name'          => 'airaware environment cache',
    'match-request' => { 'path' => '/puppet-admin-api/v1/environment-cache', 'type' => 'path', 'method' => 'delete' },
    'allow'         => { 'extensions' => { 'pp_cli_auth' => 'true' } },
    'sort-order'    => 400,
  }

  package { 'puppetserver':
    ensure => installed,
  }

  file_line {
    default:
      require => Package['puppetserver'],
      ;
    'heap of puppetserver':
      path  => '/etc/default/puppetserver',
      line  => "JAVA_ARGS=\"${java_args.join(' ')}\"",
      match => '^JAVA_ARGS=',
      ;
    'who may clear the cache of environments':
      path  => "${profile::agent::confdir}/puppetserver/conf.d/auth.conf",
      line  => "        ${to_json($clear_cache)}",
      match => "\"name\":\"${clear_cache['name']}\"",
      after => '^\s*rules: \[',
      ;
    'instances of puppetserver':
      path  => "${profile::agent::confdir}/puppetserver/conf.d/puppetserver.conf",
      line  => "    max-active-instances: ${instances}",
      match => '^\s*#?\s*max-active-instances:',
      ;
  }
}
