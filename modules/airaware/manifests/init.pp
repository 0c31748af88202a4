# @summary One release of AirAware on a host, and the host's way to its secrets.
#
# The release lies in a folder of its version, which the link /opt/airaware/current names: services
# start what the link names, so that a release is switched, and switched back, in one step.
#
# @param version
#   The release: the commit that it was built from.
# @param bucket
#   The bucket with the releases.
# @param region
#   AWS region of the bucket and of the secrets.
# @param secrets
#   Where in SSM Parameter Store the secrets of this host's role lie, without the slash at the end.
# @param extras
#   Which of the package's extras the role needs.
# @param python
#   The interpreter for the release's virtual environment, also the name of its package.
class airaware (
  Pattern[/\A[0-9a-f]{7,40}\z/] $version,
  String[3] $bucket,
  String[1] $region,
  Stdlib::Absolutepath $secrets,
  Array[Pattern[/\A[a-z]+\z/], 1] $extras,
  Pattern[/\Apython3(\.\d+)?\z/] $python,
) {
  contain airaware::account
  contain airaware::tools
  contain airaware::release

  Class['airaware::account'] -> Class['airaware::release']
  Class['airaware::tools'] -> Class['airaware::release']
}
