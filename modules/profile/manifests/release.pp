# @summary AirAware's release on the host.
class profile::release {
  contain airaware
}
