# @summary The policy by which Puppet's master signs: EC2 confirms what the request says.
#
# The hosts' image has it, so that a new master signs as soon as it serves.
#
# @param environment
#   Whose hosts the master serves.
# @param domain
#   The domain of their names.
# @param young_minutes
#   Until what age an instance may ask.
# @param ledger
#   Folder of what was signed.
# @param python
#   The release's Python.
class profile::puppetserver::autosign (
  String[1] $environment,
  Stdlib::Fqdn $domain,
  Integer[1] $young_minutes,
  Stdlib::Absolutepath $ledger,
  Stdlib::Absolutepath $python,
) {
  require airaware

  file { '/usr/local/sbin/airaware-autosign':
    ensure  => file,
    mode    => '0755',
    content => epp('profile/airaware-autosign.epp', {
        'python'        => $python,
        'region'        => $airaware::region,
        'ledger'        => $ledger,
        'environment'   => $environment,
        'domain'        => $domain,
        'young_minutes' => $young_minutes,
    }),
  }
}
