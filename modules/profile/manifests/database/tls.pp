# @summary PostgreSQL's TLS: the certificate that Puppet's CA gave the host.
#
# @api private
class profile::database::tls {
  tag 'host'

  include airaware::ca

  $folder = '/etc/postgresql/tls'
  $ssldir = $airaware::ca::ssldir

  file { $folder:
    ensure  => directory,
    owner   => 'postgres',
    group   => 'postgres',
    mode    => '0700',
    require => Class['postgresql::server::install'],
    before  => Class['postgresql::server::service'],
  }

  $files = {
    'server.crt' => "${ssldir}/certs/${trusted['certname']}.pem",
    'server.key' => "${ssldir}/private_keys/${trusted['certname']}.pem",
  }
  $files.each |$name, $source| {
    file { "${folder}/${name}":
      ensure    => file,
      owner     => 'postgres',
      group     => 'postgres',
      mode      => '0600',
      source    => $source,
      show_diff => false,
      backup    => false,
      before    => Class['postgresql::server::service'],
      notify    => Class['postgresql::server::reload'],
    }
  }

  $settings = {
    'ssl'                      => 'on',
    'ssl_cert_file'            => "${folder}/server.crt",
    'ssl_key_file'             => "${folder}/server.key",
    'ssl_min_protocol_version' => 'TLSv1.2',
  }
  $settings.each |$name, $value| {
    postgresql::server::config_entry { $name:
      value => $value,
    }
  }
}
