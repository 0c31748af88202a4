# @summary What tells of a host, by programs of the release: its metrics and its journal.
class profile::telemetry {
  contain profile::node_exporter
  contain profile::journal
}
