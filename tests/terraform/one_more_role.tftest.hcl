# A region with one more role, `cache`, and a flow to it; tests/one_more_role.py has them.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment    = "test"
  ssh_public_key = "ssh-ed25519 AAAA"
}

run "a_role_more" {
  command = apply

  assert {
    condition     = { for name, host in output.hosts : name => host.zone if host.role == "cache" } == { cache-a = "us-west-2a", cache-b = "us-west-2b" }
    error_message = "There is not one host of the role in each zone."
  }
  assert {
    condition     = keys(local.role_permissions["cache"]) == ["read_raw"] && module.identity["cache"].profile != null
    error_message = "The role has no identity, or not that of its entry."
  }
  assert {
    condition     = contains(keys(module.firewall.group_ids), "cache") && local.data["cache"].gigabytes == 3
    error_message = "The role has no security group, or no volume."
  }
}
