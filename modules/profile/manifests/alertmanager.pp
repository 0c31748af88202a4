# @summary Alertmanager on port 9093 of the host itself: notifies the configured receivers of alerts that fire.
#
# @param receivers
#   Alertmanager's own receivers (webhook_configs, email_configs, ...) by the severity that they get.
class profile::alertmanager (
  Struct[{ page => Hash[String[1], Data], ticket => Hash[String[1], Data], note => Hash[String[1], Data] }] $receivers,
) {
  package { 'prometheus-alertmanager':
    ensure => installed,
  }

  # On Prometheus' volume, so that silences outlive the host.
  file { '/var/lib/prometheus/alertmanager':
    ensure  => directory,
    owner   => 'prometheus',
    group   => 'prometheus',
    mode    => '0755',
    require => Package['prometheus-alertmanager'],
  }

  file { '/etc/prometheus/alertmanager.yml':
    ensure       => file,
    group        => 'prometheus',
    mode         => '0640',
    show_diff    => false,
    content      => epp('profile/alertmanager.yml.epp', { 'receivers' => $receivers }),
    validate_cmd => '/usr/bin/amtool check-config %',
    require      => Package['prometheus-alertmanager'],
  }

  # One of it, without others to find.
  file { '/etc/default/prometheus-alertmanager':
    ensure  => file,
    content => @(ARGS),
      # Managed by Puppet.
      ARGS="--web.listen-address=127.0.0.1:9093 --cluster.listen-address= --storage.path=/var/lib/prometheus/alertmanager"
      | ARGS
    require => Package['prometheus-alertmanager'],
  }

  service { 'prometheus-alertmanager':
    ensure    => running,
    enable    => true,
    subscribe => File[
      '/etc/prometheus/alertmanager.yml', '/etc/default/prometheus-alertmanager', '/var/lib/prometheus/alertmanager'
    ],
  }
}
