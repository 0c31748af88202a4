# @summary Spark's master: hands the job's executors to the workers.
class role::spark_master {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::spark_master
}
