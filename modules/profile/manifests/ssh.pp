# @summary sshd: keys only, no root, no forwarding of agents; it listens for Session Manager.
#
# @param allow_groups
#   Groups, beside the operators, whose members may come: the account that the first boot gives a key.
class profile::ssh (
  Array[String[1]] $allow_groups,
) {
  package { 'openssh-server':
    ensure => installed,
  }

  file { '/etc/ssh/sshd_config.d/10-airaware.conf':
    ensure       => file,
    mode         => '0600',
    content      => epp('profile/sshd.conf.epp', { 'allow_groups' => $allow_groups }),
    # Where a socket starts sshd, its folder is not there before somebody has come.
    validate_cmd => '/usr/bin/install -d -m 0755 /run/sshd && /usr/sbin/sshd -t -f %',
    require      => Package['openssh-server'],
    notify       => Service['ssh'],
  }

  service { 'ssh':
    ensure => running,
    enable => true,
  }
}
