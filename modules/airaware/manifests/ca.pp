# @summary The certificate of Puppet's CA, where processes that are not root can read it.
#
# @param ssldir
#   Where Puppet keeps the host's certificate and the CA's.
class airaware::ca (
  Stdlib::Absolutepath $ssldir,
) {
  require airaware::account

  $file = '/etc/airaware/ca.pem'

  file { $file:
    ensure => file,
    source => "${ssldir}/certs/ca.pem",
    links  => follow,
    # No image has it: `packer/` leaves out what has this tag.
    tag    => 'host',
  }
}
