# @summary What every host has, whatever its role.
class profile::base {
  contain profile::locale
  contain profile::packages
  contain profile::time
  contain profile::users
  contain profile::ssh
  contain profile::updates
  contain profile::agent

  # Packages come from where the environment has them, from the first one on; but apt's own needs.
  Class['apt::update'] -> Package <| title != 'gnupg' |>

  # Also where another's module names Puppet's own provider.
  Service <| |> { provider => 'lean_systemd' }
}
