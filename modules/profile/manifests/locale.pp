# @summary The language of services and sessions: English, in UTF-8.
class profile::locale {
  file { '/etc/default/locale':
    ensure  => file,
    content => "# Managed by Puppet.\nLANG=C.UTF-8\n",
  }
}
