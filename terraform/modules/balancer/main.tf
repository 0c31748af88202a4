# An application load balancer with a node in each zone, and the web tier as its targets.

resource "aws_lb" "this" {
  #checkov:skip=CKV_AWS_91: the site logs its own requests; a log of the balancer is not read by anything yet
  #checkov:skip=CKV2_AWS_28: a public site without accounts or forms; a web firewall costs more than its hosts
  name                             = var.name
  load_balancer_type               = "application"
  internal                         = false
  subnets                          = values(var.subnet_ids)
  security_groups                  = [var.security_group_id]
  idle_timeout                     = var.idle_seconds
  enable_cross_zone_load_balancing = true
  enable_zonal_shift               = true # for fab shift-away; AWS's default is not to take part
  drop_invalid_header_fields       = true
  enable_deletion_protection       = var.protect
  tags                             = { Name = var.name, Role = "balancer" }
}

# Everything as quick as a balancer can be: a lost zone's targets are out in ten seconds.
resource "aws_lb_target_group" "web" {
  #checkov:skip=CKV_AWS_378: inside the network; TLS ends at the balancer
  name                 = "${var.name}-web"
  vpc_id               = var.vpc_id
  protocol             = "HTTP"
  port                 = var.target_port
  deregistration_delay = 15
  tags                 = { Name = "${var.name}-web", Role = "web" }

  health_check {
    path                = "/readyz"
    interval            = 5
    timeout             = 2
    healthy_threshold   = 2
    unhealthy_threshold = 2
    matcher             = "200"
  }
}

resource "aws_lb_listener" "http" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTP"
  port              = 80
  tags              = { Name = "${var.name}-http" }

  default_action {
    type             = var.certificate_arn == null ? "forward" : "redirect"
    target_group_arn = var.certificate_arn == null ? aws_lb_target_group.web.arn : null

    dynamic "redirect" {
      for_each = var.certificate_arn[*]
      content {
        protocol    = "HTTPS"
        port        = "443"
        status_code = "HTTP_301"
      }
    }
  }
}

resource "aws_lb_listener" "https" {
  count = var.certificate_arn == null ? 0 : 1

  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn
  tags              = { Name = "${var.name}-https" }

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }
}
