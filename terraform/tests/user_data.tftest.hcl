# What hosts find at their first boot.

variables {
  domain      = "test.airaware.internal"
  environment = "test"
  bucket      = "test-data"
}

run "a_master_brings_its_own_code" {
  command = plan

  module {
    source = "./modules/user_data"
  }
  variables {
    role     = "puppet"
    hostname = "puppet"
  }

  assert {
    condition     = contains(yamldecode(output.text).write_files[*].path, "/usr/local/sbin/puppet-release")
    error_message = "The master has nothing that brings Puppet's code."
  }
  assert {
    condition     = contains(yamldecode(output.text).runcmd, ["/usr/local/sbin/first-boot", "puppet", "test", "test.airaware.internal", "puppet"])
    error_message = "The master's first boot does not say who it is."
  }
  assert {
    condition     = length(output.text) < 16384
    error_message = "EC2 takes no user data of more than 16 KB."
  }
}

run "a_host_of_a_group_runs_puppet_under_its_instance_id" {
  command = plan

  module {
    source = "./modules/user_data"
  }
  variables {
    role = "web"
  }

  assert {
    condition     = !contains(yamldecode(output.text).write_files[*].path, "/usr/local/sbin/puppet-release")
    error_message = "A host that is no master has the master's program."
  }
  assert {
    condition     = contains(yamldecode(output.text).runcmd, ["/usr/local/sbin/first-boot", "web", "test", "test.airaware.internal"])
    error_message = "The host's first boot gives it a name that others of its group have."
  }
  assert {
    condition = length([
      for file in yamldecode(output.text).write_files : file
      if file.path == "/etc/systemd/system/first-run.service" && strcontains(file.content, "/usr/local/sbin/first-run web test-data puppet.test.airaware.internal\n")
    ]) == 1
    error_message = "Puppet's first run does not know its role and bucket."
  }
  assert {
    condition     = !strcontains(output.text, "sources.list.d")
    error_message = "A host that reaches the mirrors has other sources."
  }
  assert {
    condition     = length(regexall("(?i)password|secret|AKIA", output.text)) == 0
    error_message = "Whoever may see the instance may read its user data: no secret belongs there."
  }
}

run "packages_come_from_the_bucket_where_no_mirror_is_reached" {
  command = plan

  module {
    source = "./modules/user_data"
  }
  variables {
    role         = "database"
    hostname     = "database-a"
    packages_url = "https://192.0.2.1/test-data"
  }

  assert {
    condition = length([
      for file in yamldecode(output.text).write_files : file
      if file.path == "/etc/apt/sources.list.d/airaware.list" && file.content == "deb [trusted=yes] https://192.0.2.1/test-data packages/\n"
    ]) == 1
    error_message = "The host has no source of packages."
  }
}
