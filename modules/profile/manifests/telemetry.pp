# @summary Exports a host's metrics and ships its journal, by programs of the release.
class profile::telemetry {
  contain profile::node_exporter
  contain profile::journal
}
