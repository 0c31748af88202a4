# @summary Spark's master, restarted with each release: it runs from there.
class profile::spark_master {
  contain spark
  contain spark::master

  Class['airaware'] ~> Class['spark::master']
}
