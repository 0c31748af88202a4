# @summary The host's own CPU in CloudWatch, every 10 s: what its auto-scaling group is scaled by.
class profile::cpu_metric {
  contain airaware::settings

  systemd::unit_file { 'airaware-cpu-metric.service':
    content   => epp('profile/airaware-cpu-metric.service.epp'),
    enable    => true,
    active    => true,
    subscribe => [Class['airaware'], Class['airaware::settings']],
  }
}
