# The image that all roles' images are built on.
include profile::base

# What tells of a host comes with a release; what it is built on does not.
package { 'prometheus-node-exporter':
  ensure => installed,
}
