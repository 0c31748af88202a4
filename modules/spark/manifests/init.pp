# @summary Spark as PySpark's own distribution has it: Java, settings and folders.
#
# @param home
#   The virtual environment that PySpark is installed in.
# @param host
#   The name by which others reach what runs here.
# @param user
#   The account that Spark runs as.
# @param java
#   The package of the Java runtime.
# @param defaults
#   spark-defaults.conf: Spark's properties.
class spark (
  Stdlib::Absolutepath $home,
  Stdlib::Fqdn $host,
  String[1] $user,
  String[1] $java,
  Hash[Pattern[/\Aspark\.[A-Za-z.]+\z/], Variant[String[1], Integer, Boolean]] $defaults,
) {
  package { $java:
    ensure => installed,
  }

  file { '/etc/spark':
    ensure => directory,
  }

  file { '/etc/spark/spark-defaults.conf':
    ensure  => file,
    content => epp('spark/spark-defaults.conf.epp', { 'defaults' => $defaults }),
  }

  # Spark would look for a name by itself, and for the host's short one.
  file { '/etc/spark/spark-env.sh':
    ensure  => file,
    content => "# Managed by Puppet.\nexport SPARK_LOCAL_HOSTNAME=${host}\n",
  }

  file { '/etc/spark/metrics.properties':
    ensure => file,
    source => 'puppet:///modules/spark/metrics.properties',
  }

  file { '/etc/spark/log4j2.properties':
    ensure => file,
    source => 'puppet:///modules/spark/log4j2.properties',
  }

  file { ['/var/lib/spark', '/var/lib/spark/local', '/var/lib/spark/work', '/var/log/spark', '/var/log/spark/events']:
    ensure => directory,
    owner  => $user,
    mode   => '0750',
  }

  # Only a history server would clear these away.
  tidy { '/var/log/spark/events':
    age     => '4w',
    recurse => true,
    rmdirs  => true,
  }
}
