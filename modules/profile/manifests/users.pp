# @summary Who may log in, and who may become root.
#
# @param operators
#   Operators by account: the number of the account and the public keys, one line each.
class profile::users (
  Hash[Pattern[/\A[a-z][a-z0-9-]*\z/], Struct[{ uid => Integer[2000, 2999], keys => Array[String[1], 1] }]] $operators,
) {
  group { 'operators':
    ensure => present,
    system => true,
  }

  package { 'sudo':
    ensure => installed,
  }

  file { '/etc/sudoers.d/operators':
    ensure       => file,
    mode         => '0440',
    content      => "%operators ALL=(ALL) NOPASSWD: ALL\n",
    validate_cmd => '/usr/sbin/visudo -c -f %',
    require      => Package['sudo'],
  }

  file { '/etc/ssh/authorized_keys.d':
    ensure  => directory,
    # An operator whose entry goes loses the way in.
    purge   => true,
    recurse => true,
  }

  $operators.each |$account, $operator| {
    user { $account:
      ensure     => present,
      uid        => $operator['uid'],
      groups     => ['operators', 'systemd-journal'],
      shell      => '/bin/bash',
      managehome => true,
    }

    file { "/etc/ssh/authorized_keys.d/${account}":
      ensure  => file,
      content => "${join($operator['keys'], "\n")}\n",
    }
  }
}
