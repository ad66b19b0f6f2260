# The template and the files beside this were made by custody-terraform, of cdk.json and custody.yaml: make them anew instead of changing them.

locals {
  stack    = jsondecode(file("${path.module}/stack.json"))
  files    = jsondecode(file("${path.module}/files.json"))
  template = "${path.module}/template.json"
}

data "aws_s3_bucket" "assets" {
  bucket = var.assets_bucket
}

# Names say what is in them: what a stack uses is never replaced under it, and what it may go back to stays.
resource "aws_s3_object" "file" {
  for_each = local.files

  bucket      = data.aws_s3_bucket.assets.id
  key         = each.key
  source      = "${path.module}/${each.value.file}"
  source_hash = each.value.sha256
}

resource "aws_s3_object" "template" {
  bucket       = data.aws_s3_bucket.assets.id
  key          = "custody/template-${filesha256(local.template)}.json"
  source       = local.template
  source_hash  = filebase64sha256(local.template)
  content_type = "application/json"
}

resource "aws_cloudformation_stack" "custody" {
  name         = local.stack.name
  template_url = "https://${data.aws_s3_bucket.assets.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]
  iam_role_arn = var.deployment_role_arn
  on_failure   = var.on_failure
  tags         = merge({ custody = local.stack.name }, var.tags)

  parameters = {
    AssetsBucket   = data.aws_s3_bucket.assets.id
    DeploymentRole = var.deployment_role_arn
  }

  # Tasks with sessions are waited for, up to an hour of `drain`, and CloudFormation waits for three.
  timeouts {
    create = "60m"
    update = "3h30m"
    delete = "2h"
  }

  depends_on = [aws_s3_object.file]
}
