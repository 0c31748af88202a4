# @summary Where the operator's jobs start: spark-submit and the package's own commands.
class role::controller {
  include profile::base
  include profile::release
  include profile::controller
}
