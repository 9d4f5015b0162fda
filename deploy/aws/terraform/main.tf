# presign-gate on Fargate behind a network load balancer that sends PROXY protocol v2, offered to other VPCs as an endpoint
# service, with a bucket that can be read through the gate's own S3 endpoint only. The same as ../cloudformation.yaml.

terraform {
  required_version = ">= 1.5"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.40"
    }
  }
}

data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  bucket_arns = [
    "arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}",
    "arn:${data.aws_partition.current.partition}:s3:::${var.bucket_name}/*",
  ]
  data_actions = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"]
}

# --- network -------------------------------------------------------------------------------------------------------

resource "aws_security_group" "balancer" {
  name_prefix = "presign-gate-balancer-"
  description = "The load balancer of the gate"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "gate" {
  name_prefix = "presign-gate-"
  description = "The gates"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  security_group_id = aws_security_group.balancer.id
  description       = "clients in this VPC"
  cidr_ipv4         = var.vpc_cidr
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "balancer" {
  for_each                     = toset(["8080", "9090"])
  security_group_id            = aws_security_group.balancer.id
  referenced_security_group_id = aws_security_group.gate.id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value)
  to_port                      = tonumber(each.value)
}

resource "aws_vpc_security_group_ingress_rule" "gate" {
  for_each                     = toset(["8080", "9090"])
  security_group_id            = aws_security_group.gate.id
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = tonumber(each.value)
  to_port                      = tonumber(each.value)
}

resource "aws_vpc_security_group_egress_rule" "gate" {
  security_group_id = aws_security_group.gate.id
  description       = "S3, registry and logs"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_lb" "gate" {
  name_prefix        = "gate-"
  load_balancer_type = "network"
  internal           = true
  subnets            = var.subnet_ids
  security_groups    = [aws_security_group.balancer.id]
  # consumers come through the endpoint service, which accepts them one by one
  enforce_security_group_inbound_rules_on_private_link_traffic = "off"
}

resource "aws_lb_target_group" "gate" {
  name_prefix = "gate-"
  vpc_id      = var.vpc_id
  target_type = "ip"
  protocol    = "TCP"
  port        = 8080
  # carries the client's address and, for PrivateLink, the id of the VPC endpoint
  proxy_protocol_v2 = true
  # peers are the load balancer then, as `proxy_protocol.trusted` has it
  preserve_client_ip   = "false"
  deregistration_delay = 60

  health_check {
    protocol = "HTTP"
    port     = "9090"
    path     = "/readyz"
    interval = 10
  }
}

resource "aws_lb_listener" "gate" {
  load_balancer_arn = aws_lb.gate.arn
  protocol          = "TLS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gate.arn
  }
}

resource "aws_vpc_endpoint_service" "gate" {
  network_load_balancer_arns = [aws_lb.gate.arn]
  acceptance_required        = true
  allowed_principals         = var.consumer_arns
}

# --- the gate's own way to S3: nothing but the bucket through it, and the bucket through nothing else ---------------

data "aws_iam_policy_document" "endpoint" {
  statement {
    # policies of gateway endpoints name principals by condition only
    sid       = "TheBucketByTheGate"
    actions   = local.data_actions
    resources = local.bucket_arns

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnEquals"
      variable = "aws:PrincipalArn"
      values   = [aws_iam_role.task.arn]
    }
  }

  statement {
    sid       = "LayersOfImages"
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::prod-${data.aws_region.current.name}-starport-layer-bucket/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_vpc_endpoint" "s3" {
  vpc_endpoint_type = "Gateway"
  vpc_id            = var.vpc_id
  service_name      = "com.amazonaws.${data.aws_region.current.name}.s3"
  route_table_ids   = var.route_table_ids
  policy            = data.aws_iam_policy_document.endpoint.json
}

data "aws_iam_policy_document" "bucket" {
  # data actions only: whoever administers the bucket must not be locked out of its policy
  statement {
    sid       = "OnlyThroughTheGatesEndpoint"
    effect    = "Deny"
    actions   = ["s3:GetObject*", "s3:PutObject*", "s3:DeleteObject*", "s3:ListBucket*"]
    resources = local.bucket_arns

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringNotEquals"
      variable = "aws:SourceVpce"
      values   = [aws_vpc_endpoint.s3.id]
    }
  }

  statement {
    sid       = "TheGate"
    actions   = local.data_actions
    resources = local.bucket_arns

    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.task.arn]
    }
  }
}

resource "aws_s3_bucket_policy" "bucket" {
  bucket = var.bucket_name
  policy = data.aws_iam_policy_document.bucket.json
}

# --- the gate --------------------------------------------------------------------------------------------------------

resource "aws_ssm_parameter" "config" {
  name  = "/presign-gate/gate.yaml"
  type  = "String"
  value = var.gate_config
}

resource "aws_cloudwatch_log_group" "gate" {
  name_prefix       = "presign-gate-"
  retention_in_days = 90
}

data "aws_iam_policy_document" "ecs" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ecs-tasks.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "secrets" {
  statement {
    actions   = ["secretsmanager:GetSecretValue"]
    resources = [var.secret_arn]
  }

  statement {
    actions   = ["ssm:GetParameters"]
    resources = [aws_ssm_parameter.config.arn]
  }
}

resource "aws_iam_role" "execution" {
  name_prefix        = "presign-gate-execution-"
  assume_role_policy = data.aws_iam_policy_document.ecs.json
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "secrets" {
  name   = "secrets"
  role   = aws_iam_role.execution.id
  policy = data.aws_iam_policy_document.secrets.json
}

resource "aws_iam_role" "task" {
  name_prefix        = "presign-gate-task-"
  assume_role_policy = data.aws_iam_policy_document.ecs.json
}

# what the gate signs with towards S3, and from nowhere else
data "aws_iam_policy_document" "task" {
  statement {
    actions   = local.data_actions
    resources = local.bucket_arns

    condition {
      test     = "StringEquals"
      variable = "aws:SourceVpce"
      values   = [aws_vpc_endpoint.s3.id]
    }
  }
}

resource "aws_iam_role_policy" "task" {
  name   = "bucket"
  role   = aws_iam_role.task.id
  policy = data.aws_iam_policy_document.task.json
}

resource "aws_ecs_cluster" "gate" {
  name = "presign-gate"
}

resource "aws_ecs_task_definition" "gate" {
  family                   = "presign-gate"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "1024"
  memory                   = "2048"
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn

  volume {
    name = "config"
  }

  container_definitions = jsonencode([
    {
      name             = "config"
      image            = var.config_image
      essential        = false
      command          = ["sh", "-c", "printf '%s\\n' \"$GATE_CONFIG\" > /config/gate.yaml"]
      secrets          = [{ name = "GATE_CONFIG", valueFrom = aws_ssm_parameter.config.arn }]
      mountPoints      = [{ sourceVolume = "config", containerPath = "/config" }]
      logConfiguration = local.logs
    },
    {
      name                   = "gate"
      image                  = var.image
      essential              = true
      dependsOn              = [{ containerName = "config", condition = "SUCCESS" }]
      readonlyRootFilesystem = true
      linuxParameters        = { capabilities = { drop = ["ALL"] } }
      stopTimeout            = 40
      portMappings           = [{ containerPort = 8080 }, { containerPort = 9090 }]
      mountPoints            = [{ sourceVolume = "config", containerPath = "/etc/presign-gate", readOnly = true }]
      secrets                = [for name in var.secret_names : { name = name, valueFrom = "${var.secret_arn}:${name}::" }]
      logConfiguration       = local.logs
    },
  ])
}

locals {
  logs = {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.gate.name
      awslogs-region        = data.aws_region.current.name
      awslogs-stream-prefix = "gate"
    }
  }
}

resource "aws_ecs_service" "gate" {
  name                               = "presign-gate"
  cluster                            = aws_ecs_cluster.gate.id
  task_definition                    = aws_ecs_task_definition.gate.arn
  launch_type                        = "FARGATE"
  desired_count                      = var.gates
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [aws_security_group.gate.id]
    assign_public_ip = false
  }

  load_balancer {
    container_name   = "gate"
    container_port   = 8080
    target_group_arn = aws_lb_target_group.gate.arn
  }

  depends_on = [aws_lb_listener.gate]
}
