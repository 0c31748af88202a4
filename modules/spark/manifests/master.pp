# @summary Spark's master.
#
# @param port
#   Where it takes workers and jobs.
# @param ui_port
#   Where its pages and metrics are.
# @param memory
#   The daemon's heap, as Java writes it.
class spark::master (
  Stdlib::Port $port,
  Stdlib::Port $ui_port,
  Pattern[/\A\d+[mg]\z/] $memory,
) {
  require spark

  spark::daemon { 'spark-master':
    java_class  => 'org.apache.spark.deploy.master.Master',
    arguments   => ['--host', $spark::host, '--port', String($port), '--webui-port', String($ui_port)],
    environment => { 'SPARK_DAEMON_MEMORY' => $memory },
  }
}
