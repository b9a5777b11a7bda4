# What instances read at each boot: a change reaches them by `systemctl restart lsapi-boot` or a
# reboot, without replacement.

locals {
  store_url_parameter = var.store_url_parameter

  # Settings of the service whose values are in SSM parameters that others made.
  given_secrets = merge(
    { API_TOKEN = var.token_parameter },
    local.store_url_parameter == "" ? {} : { STORE_URL = local.store_url_parameter },
    var.secret_settings,
  )
  secrets = local.given_secrets

  service_settings = merge(
    { AWS_REGION = var.region, KINDS = length(var.target_group_names) > 0 ? "elb,tg" : "elb" },
    # Of the load balancer, which names its clients. Otherwise wrong passwords of one would slow down all.
    { TRUSTED_PROXIES = join(",", sort(distinct(local.subnet_cidrs))) },
    var.policy == "" ? {} : { POLICY = "/etc/lsapi/policy.yaml" },
    local.rds ? { STORE_URL = local.store_url } : {},
    var.settings,
  )

  # In lower case those of boot/, in capital letters the environment of the service.
  settings = merge(
    {
      elb_name       = var.elb_name
      port           = local.service_port
      repository_url = var.repository_url
      repository_ref = var.repository_ref
      # For instances of a group, which end after it.
      draining_timeout = aws_elb.this.connection_draining_timeout
    },
    var.policy == "" ? {} : { policy_parameter = aws_ssm_parameter.policy[0].name },
    local.record_settings,
    local.rds ? { password_secret = aws_db_instance.this[0].master_user_secret[0].secret_arn } : {},
    local.service_settings,
    { for name, parameter in local.secrets : "secret.${name}" => parameter },
  )
  settings_text = join("\n", [for name, value in local.settings : "${name}=${value}"])
}

# The plan fails if a parameter does not exist, because no instance would serve. The state
# contains their ciphertexts only.
data "aws_ssm_parameter" "secret" {
  for_each = local.given_secrets

  name            = each.value
  with_decryption = false

  lifecycle {
    postcondition {
      condition     = self.type == "SecureString"
      error_message = "The parameter ${each.value} is not encrypted: make it again with --type SecureString."
    }
  }
}

resource "aws_ssm_parameter" "settings" {
  name           = "/lsapi/settings/${var.name}"
  description    = "What instances of ${var.name} read at each boot. Terraform writes it."
  type           = "String"
  tier           = length(local.settings_text) > 4096 ? "Advanced" : "Standard"
  insecure_value = local.settings_text
}

resource "aws_ssm_parameter" "policy" {
  count = var.policy == "" ? 0 : 1

  name           = "/lsapi/policy/${var.name}"
  description    = "The policy file of guards of ${var.name}. Terraform writes it."
  type           = "String"
  tier           = length(base64encode(var.policy)) > 4096 ? "Advanced" : "Standard"
  insecure_value = var.policy
}
