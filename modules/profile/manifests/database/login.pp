# @summary A database role with a password, of which only the verifier is on the host.
#
# @param secret
#   The name of the secret that is the password.
#
# @api private
define profile::database::login (
  String[1] $secret,
) {
  $verifier = "/etc/postgresql/tls/${title}.verifier"

  postgresql::server::role { $title: }

  file { $verifier:
    ensure    => file,
    owner     => 'postgres',
    group     => 'postgres',
    mode      => '0600',
    content   => Sensitive(Deferred('airaware::verifier', [$secret])),
    show_diff => false,
    backup    => false,
    tag       => 'host',
  }

  # Both by the shell's own means and standard input: no list of processes shows the verifier.
  exec { "password of ${title}":
    command  => "echo \"ALTER ROLE ${title} PASSWORD '\$(cat ${verifier})'\" | psql --quiet --set ON_ERROR_STOP=1",
    unless   => "[ \"\$(psql -Atc \"SELECT rolpassword FROM pg_authid WHERE rolname = '${title}'\")\" = \"\$(cat ${verifier})\" ]",
    provider => shell,
    path     => ['/usr/bin', '/bin'],
    user     => 'postgres',
    cwd      => '/',
    require  => [Postgresql::Server::Role[$title], File[$verifier]],
    tag      => 'host',
  }
}
