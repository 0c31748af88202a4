# @summary Spark's master, restarted when a release brings another Spark.
class profile::spark_master {
  contain spark
  contain spark::master

  Class['airaware'] ~> Class['spark::master']
}
