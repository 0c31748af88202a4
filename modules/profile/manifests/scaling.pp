# @summary Export the web groups' suspended scaling processes through the host's node exporter.
#
# @param region
#   AWS region that the groups are in.
# @param environment
#   The groups' tag Environment.
class profile::scaling (
  String[1] $region,
  String[1] $environment,
) {
  include profile::node_exporter

  $textfiles = $profile::node_exporter::textfiles

  systemd::unit_file { 'airaware-scaling.service':
    content   => epp('profile/airaware-scaling.service.epp', {
        'region'      => $region,
        'environment' => $environment,
        'file'        => "${textfiles}/scaling.prom",
    }),
    enable    => true,
    active    => true,
    require   => File[$textfiles],
    subscribe => Class['airaware'],
  }
}
