# The variant `single`: one zone, one web host, no balancer.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment    = "test"
  zones          = { us-west-2a = 0 }
  visitors_range = "198.51.100.0/24"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUCFuhlTuDCYYUrqU6Z9oNsvvDXH2nzIAhAAx7lJ3Fs"
}

run "there_is_no_balancer_and_no_group" {
  command = apply

  assert {
    condition     = output.balancer_dns_name == null && output.target_group_arn == null && output.web_groups == {} && output.most_web_hosts == 1 && !output.balanced
    error_message = "The variant has a balancer or groups of web hosts."
  }
}

run "there_is_one_web_host_and_it_alone_has_a_public_address" {
  command = apply

  assert {
    condition     = [for name, host in output.hosts : name if host.public_ip != null] == ["web"]
    error_message = "Not the web host alone has a public address."
  }
  assert {
    condition     = output.site_url == "http://${output.hosts["web"].public_ip}:8000"
    error_message = "The site is not at the web host's address."
  }
}

run "only_visitors_come_in_and_only_to_8000" {
  command = plan

  assert {
    condition     = [for flow in local.flows : "${flow.from} ${flow.to} ${flow.port}" if contains(keys(local.ranges), flow.from)] == ["visitors web web"]
    error_message = "Another way in than the visitors' to the web host."
  }
  assert {
    condition     = local.ranges.visitors == "198.51.100.0/24"
    error_message = "The visitors' range is not the given one."
  }
}
