mock_provider "aws" {
  mock_data "aws_s3_bucket" {
    defaults = {
      id                          = "deployments"
      bucket_regional_domain_name = "deployments.s3.eu-central-1.amazonaws.com"
    }
  }
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      outputs = {
        GatewayName    = "front.example.com"
        ApiUrl         = "https://api.example.com"
        EvidenceBucket = "evidence"
        SigningKey     = "key"
      }
    }
  }
}

variables {
  assets_bucket       = "deployments"
  deployment_role_arn = "arn:aws:iam::123456789012:role/deployment"
}

run "deploys_the_template_with_its_files" {
  assert {
    condition     = aws_cloudformation_stack.custody.parameters == tomap({ AssetsBucket = "deployments", DeploymentRole = var.deployment_role_arn })
    error_message = "the template's parameters are others"
  }
  assert {
    condition     = keys(aws_cloudformation_stack.custody.parameters) == sort(keys(jsondecode(file("template.json")).Parameters))
    error_message = "the template has other parameters"
  }
  assert {
    condition     = aws_cloudformation_stack.custody.template_url == "https://deployments.s3.eu-central-1.amazonaws.com/custody/template-${filesha256("template.json")}.json"
    error_message = "the template is at another address"
  }
  assert {
    condition     = alltrue([for key, put in aws_s3_object.file : strcontains(file("template.json"), "\"${key}\"") && filebase64sha256(put.source) == put.source_hash])
    error_message = "a file is not the template's"
  }
  assert {
    condition     = length(aws_s3_object.file) == length(fileset(".", "files/*"))
    error_message = "a file is not put"
  }
  assert {
    condition     = output.gateway_name == "front.example.com" && output.all["SigningKey"] == "key"
    error_message = "outputs are others"
  }
}

run "refuses_what_is_no_role" {
  command = plan
  variables {
    deployment_role_arn = "arn:aws:iam::123456789012:user/me"
  }
  expect_failures = [var.deployment_role_arn]
}

run "refuses_a_failure_that_says_nothing" {
  command = plan
  variables {
    on_failure = "DELETE"
  }
  expect_failures = [var.on_failure]
}
