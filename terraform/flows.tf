# Who may open a connection to whom: the one source of every security group's rules. `hosts` stands
# for every role but the receiver. SSH is missing on purpose: a person comes through SSM.
locals {
  port = {
    http              = 80
    https             = 443
    spark_driver_ui   = 4040
    postgresql        = 5432
    spark_master      = 7077
    spark_driver      = 7078
    spark_blocks      = 7079
    spark_worker      = 7080
    web               = 8000
    spark_master_ui   = 8080
    spark_worker_ui   = 8081
    balancer_metrics  = 8405
    puppet            = 8140
    node_exporter     = 9100
    postgres_exporter = 9187
  }

  flows = concat(
    var.visitors_range == null ? [] : [
      { from = "visitors", to = "web", port = "web", why = "the site, without a balancer" },
    ],
    local.single ? [] : [
      { from = "internet", to = "balancer", port = "http", why = "the site" },
      { from = "balancer", to = "web", port = "web", why = "requests and health checks" },
    ],
    local.single || !var.balancer_metrics ? [] : [
      { from = "monitoring", to = "balancer", port = "balancer_metrics", why = "metrics of the balancer" },
    ],
    local.single || var.certificate_arn == null ? [] : [
      { from = "internet", to = "balancer", port = "https", why = "the site" },
    ],
    [
      { from = "web", to = "database", port = "postgresql", why = "queries, in either zone" },
      { from = "controller", to = "database", port = "postgresql", why = "manifest of a job, and migrations" },
      { from = "spark_worker", to = "database", port = "postgresql", why = "loads" },
      { from = "database", to = "database", port = "postgresql", why = "refill of a zone from the other" },

      { from = "controller", to = "spark_master", port = "spark_master", why = "jobs" },
      { from = "spark_worker", to = "spark_master", port = "spark_master", why = "registration" },
      { from = "spark_master", to = "spark_worker", port = "spark_worker", why = "executors to start" },
      { from = "spark_master", to = "controller", port = "spark_driver", why = "state of the executors" },
      { from = "spark_worker", to = "controller", port = "spark_driver", why = "executors call their driver" },
      { from = "spark_worker", to = "controller", port = "spark_blocks", why = "broadcast data" },
      { from = "controller", to = "spark_worker", port = "spark_blocks", why = "results" },
      { from = "spark_worker", to = "spark_worker", port = "spark_blocks", why = "shuffle" },

      { from = "hosts", to = "puppet", port = "puppet", why = "agents" },

      { from = "monitoring", to = "hosts", port = "node_exporter", why = "metrics of the host" },
      { from = "monitoring", to = "web", port = "web", why = "metrics of the site" },
      { from = "monitoring", to = "database", port = "postgres_exporter", why = "metrics of PostgreSQL" },
      { from = "monitoring", to = "spark_master", port = "spark_master_ui", why = "metrics of the Spark master" },
      { from = "monitoring", to = "spark_worker", port = "spark_worker_ui", why = "metrics of the Spark workers" },
      { from = "monitoring", to = "controller", port = "spark_driver_ui", why = "metrics of a running job" },

      { from = "hosts", to = "internet", port = "https", why = "AWS APIs and packages" },
      { from = "hosts", to = "internet", port = "http", why = "signed packages of the distribution" },

      # In place of that of all hosts, which is to the same port.
      { from = "controller", to = "internet", port = "https", why = "AWS APIs, packages, EPA files" },

      # A host that an image is made of: nothing comes to it but SSH, through SSM.
      { from = "image", to = "internet", port = "https", why = "AWS APIs and packages" },
      { from = "image", to = "internet", port = "http", why = "signed packages of the distribution" },
    ],
  )

  ranges = { internet = "0.0.0.0/0", visitors = var.visitors_range }

  groups = setunion(keys(local.roles), ["image"], local.single ? [] : ["balancer"])
}

module "firewall" {
  source = "./modules/firewall"

  name   = local.name
  vpc_id = module.network.vpc_id
  groups = local.groups
  ranges = { for name, range in local.ranges : name => range if range != null }
  flows = merge([
    for flow in local.flows : {
      for pair in setproduct(
        flow.from == "hosts" ? setsubtract(keys(local.roles), [flow.to]) : toset([flow.from]),
        flow.to == "hosts" ? setsubtract(keys(local.roles), [flow.from]) : toset([flow.to]),
        ) : "${pair[0]}-${pair[1]}-${local.port[flow.port]}" => {
        from = pair[0]
        to   = pair[1]
        port = local.port[flow.port]
        why  = flow.why
      }
    }
  ]...)
}
