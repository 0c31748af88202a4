# @summary Security updates, installed by the host itself; it never reboots by itself.
#
# @param service
#   Whether the timers run; where there is no way to the distribution's mirrors they have no use.
class profile::updates (
  Stdlib::Ensure::Service $service,
) {
  package { 'unattended-upgrades':
    ensure => installed,
  }

  apt::conf { 'periodic':
    priority => 20,
    content  => @(CONF)
      APT::Periodic::Update-Package-Lists "1";
      APT::Periodic::Unattended-Upgrade "1";
      | CONF
  }

  # Restarting databases at whatever hour is not for a timer: their packages wait for a person.
  apt::conf { 'unattended-upgrades':
    priority => 52,
    content  => @(CONF)
      #clear Unattended-Upgrade::Allowed-Origins;
      #clear Unattended-Upgrade::Origins-Pattern;
      Unattended-Upgrade::Origins-Pattern {
        "origin=${distro_id},label=${distro_id}-Security";
        "origin=${distro_id},archive=${distro_codename}-security";
      };
      Unattended-Upgrade::Package-Blacklist { "^postgresql-"; "^puppetserver$"; };
      Unattended-Upgrade::Automatic-Reboot "false";
      | CONF
  }

  service { ['apt-daily.timer', 'apt-daily-upgrade.timer']:
    ensure => $service,
    enable => $service == 'running',
  }
}
