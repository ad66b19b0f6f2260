variable "assets_bucket" {
  description = "A bucket in the stack's region, encrypted by S3, that only deployments write to: functions, the console and custody.yaml are put there, below custody/."
  type        = string
}

variable "deployment_role_arn" {
  description = "The role that CloudFormation deploys with. Nobody else may change the configuration or, before `protect`, take keys back."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/.+$", var.deployment_role_arn))
    error_message = "Give the ARN of a role, which cloudformation.amazonaws.com may assume."
  }
}

variable "on_failure" {
  description = "What becomes of a first deployment that fails: ROLLBACK removes all of it, DO_NOTHING leaves it to be looked at."
  type        = string
  default     = "ROLLBACK"

  validation {
    condition     = contains(["ROLLBACK", "DO_NOTHING"], var.on_failure)
    error_message = "Give ROLLBACK or DO_NOTHING: DELETE would not say what was wrong."
  }
}

variable "tags" {
  description = "Of the stack and all that it makes."
  type        = map(string)
  default     = {}
}
