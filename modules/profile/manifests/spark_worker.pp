# @summary A Spark worker, whose tasks load the zones' databases.
class profile::spark_worker {
  contain airaware::settings
  contain spark
  contain spark::worker

  Class['airaware'] ~> Class['spark::worker']
  Class['airaware::settings'] ~> Class['spark::worker']
}
