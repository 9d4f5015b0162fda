variable "vpc_id" {
  type = string
}

variable "vpc_cidr" {
  description = "The addresses of the VPC, of which the load balancer has some."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets in two zones at least."
  type        = list(string)
}

variable "route_table_ids" {
  description = "The route tables of those subnets, for the S3 endpoint."
  type        = list(string)
}

variable "image" {
  description = "The image of the gate, by digest."
  type        = string
}

variable "config_image" {
  description = "An image with a shell, which puts the config where the gate reads it."
  type        = string
  default     = "public.ecr.aws/docker/library/busybox:1.37"
}

variable "gate_config" {
  description = "The text of the config: file(\"../gate.yaml\")."
  type        = string
}

variable "secret_arn" {
  description = "A secret of Secrets Manager with a key for each of `secret_names`."
  type        = string
}

variable "secret_names" {
  description = "The environment variables that the config names."
  type        = list(string)
  default     = ["GATE_ADMIN_TOKEN", "GATE_REPORTS_SECRET"]
}

variable "certificate_arn" {
  description = "The certificate of the name that clients sign for."
  type        = string
}

variable "bucket_name" {
  description = "The bucket behind the gate. It exists; this module sets its policy."
  type        = string
}

variable "consumer_arns" {
  description = "Who may connect, as arn:aws:iam::444455556666:root."
  type        = list(string)
}

variable "gates" {
  type    = number
  default = 2
}
