# @summary One of Spark's workers.
class role::spark_worker {
  include profile::base
  include profile::release
  include profile::telemetry
  include profile::spark_worker
}
