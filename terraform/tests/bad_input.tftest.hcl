# A value that cannot be used is refused before anything is planned.

mock_provider "aws" {
  source = "./tests/mocks"
}

variables {
  environment    = "test"
  ssh_public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUCFuhlTuDCYYUrqU6Z9oNsvvDXH2nzIAhAAx7lJ3Fs"
}

run "no_zone" {
  command = plan

  variables {
    zones = {}
  }

  expect_failures = [var.zones]
}

run "four_zones" {
  command = plan

  variables {
    zones = { us-west-2a = 0, us-west-2b = 1, us-west-2c = 2, us-west-2d = 3 }
  }

  expect_failures = [var.zones]
}

run "two_zones_of_one_number" {
  command = plan

  variables {
    zones = { us-west-2a = 1, us-west-2b = 1 }
  }

  expect_failures = [var.zones]
}

run "two_zones_of_one_letter" {
  command = plan

  variables {
    zones = { us-west-2a = 0, us-east-1a = 1 }
  }

  expect_failures = [var.zones]
}

run "a_zone_number_beyond_the_network" {
  command = plan

  variables {
    zones = { us-west-2a = 0, us-west-2b = 8 }
  }

  expect_failures = [var.zones]
}

run "a_zone_of_another_region" {
  command = plan

  variables {
    zones = { us-west-2a = 0, us-east-1b = 1 }
  }

  expect_failures = [terraform_data.checks]
}

run "a_network_range_that_is_none" {
  command = plan

  variables {
    network_range = "10.20.0.0"
  }

  expect_failures = [var.network_range]
}

run "a_network_too_small" {
  command = plan

  variables {
    network_range = "10.20.0.0/24"
  }

  expect_failures = [var.network_range]
}

run "visitors_from_everywhere" {
  command = plan

  variables {
    zones          = { us-west-2a = 0 }
    visitors_range = "0.0.0.0/0"
  }

  expect_failures = [var.visitors_range]
}

run "one_zone_without_visitors" {
  command = plan

  variables {
    zones = { us-west-2a = 0 }
  }

  expect_failures = [terraform_data.checks]
}

run "visitors_past_the_balancer" {
  command = plan

  variables {
    visitors_range = "198.51.100.0/24"
  }

  expect_failures = [terraform_data.checks]
}

run "spark_in_an_unknown_zone" {
  command = plan

  variables {
    spark_zone = "us-west-2c"
  }

  expect_failures = [terraform_data.checks]
}

run "no_spark_worker" {
  command = plan

  variables {
    host_counts = { spark_worker = 0 }
  }

  expect_failures = [var.host_counts]
}

run "half_a_spark_worker" {
  command = plan

  variables {
    host_counts = { spark_worker = 1.5 }
  }

  expect_failures = [var.host_counts]
}

run "the_size_of_a_role_that_is_not_there" {
  command = plan

  variables {
    instance_types = { spark = "t3.small" }
  }

  expect_failures = [terraform_data.checks]
}

run "an_environment_with_a_space" {
  command = plan

  variables {
    environment = "my lab"
  }

  expect_failures = [var.environment]
}

run "a_bucket_in_capitals" {
  command = plan

  variables {
    bucket = "EPA-Data"
  }

  expect_failures = [var.bucket]
}

run "a_private_key" {
  command = plan

  variables {
    ssh_public_key = "-----BEGIN OPENSSH PRIVATE KEY-----"
  }

  expect_failures = [var.ssh_public_key]
}

run "an_image_that_is_no_id" {
  command = plan

  variables {
    image_id = "airaware-lab"
  }

  expect_failures = [var.image_id]
}

run "a_load_generator_without_a_range" {
  command = plan

  variables {
    load_generators = ["203.0.113.7"]
  }

  expect_failures = [var.load_generators]
}
