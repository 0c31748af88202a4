# @summary The programs that bring releases and secrets to the host, with its instance role.
#
# They run on the distribution's Python, since they must be there before any release is.
#
# @api private
class airaware::tools {
  package { unique([$airaware::python, 'python3-boto3']):
    ensure => installed,
  }

  file { '/etc/airaware/aws.json':
    ensure  => file,
    content => epp('airaware/aws.json.epp', {
        'bucket'  => $airaware::bucket,
        'region'  => $airaware::region,
        'secrets' => $airaware::secrets,
    }),
  }

  ['airaware-journal', 'airaware-release', 'airaware-secret'].each |$program| {
    file { "/usr/local/sbin/${program}":
      ensure  => file,
      mode    => '0755',
      source  => "puppet:///modules/airaware/${program}",
      require => [Package['python3-boto3'], File['/etc/airaware/aws.json']],
    }
  }
}
