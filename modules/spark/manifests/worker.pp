# @summary One of Spark's workers.
#
# @param masters
#   The masters to register with, as spark://HOST:PORT.
# @param port
#   Where it takes orders.
# @param ui_port
#   Where its pages and metrics are.
# @param daemon_memory
#   The daemon's own heap, as Java writes it.
# @param cores
#   Cores for executors; all of the host's where it is not given.
# @param memory
#   Memory for executors, as Java writes it; all of the host's but 1 GB where it is not given.
class spark::worker (
  Array[Pattern[/\Aspark:\/\/[a-z0-9.-]+:\d+\z/], 1] $masters,
  Stdlib::Port $port,
  Stdlib::Port $ui_port,
  Pattern[/\A\d+[mg]\z/] $daemon_memory,
  Optional[Integer[1]] $cores = undef,
  Optional[Pattern[/\A\d+[mg]\z/]] $memory = undef,
) {
  $limits = {
    '--cores'  => $cores,
    '--memory' => $memory,
  }.filter |$_, $value| { $value =~ NotUndef }

  require spark

  spark::daemon { 'spark-worker':
    java_class  => 'org.apache.spark.deploy.worker.Worker',
    arguments   => [
      '--host', $spark::host, '--port', String($port), '--webui-port', String($ui_port),
      '--work-dir', '/var/lib/spark/work',
    ] + $limits.map |$option, $value| { "${option} ${value}" } + $masters,
    environment => {
      'SPARK_DAEMON_MEMORY' => $daemon_memory,
      'SPARK_WORKER_OPTS'   => '-Dspark.worker.cleanup.enabled=true -Dspark.worker.cleanup.appDataTtl=86400',
    },
  }
}
