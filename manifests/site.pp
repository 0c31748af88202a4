# A host is what its certificate says, and Puppet's CA signs only what EC2 confirms
# (airaware/host/autosign.py). Anything else gets no catalog.
node default {
  $role = $trusted['extensions']['pp_role']

  unless $role {
    fail("The certificate of ${trusted['certname']} has no pp_role: no catalog for it")
  }
  unless $role =~ /\A[a-z_]+\z/ and defined("role::${role}") {
    fail("The certificate of ${trusted['certname']} names a role that does not exist: ${role}")
  }
  include "role::${role}"
}
