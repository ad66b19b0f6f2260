output "gateway_name" {
  description = "Make a CNAME of gateway.hostname to this."
  value       = aws_cloudformation_stack.custody.outputs["GatewayName"]
}

output "api_url" {
  description = "For custody login."
  value       = aws_cloudformation_stack.custody.outputs["ApiUrl"]
}

output "evidence_bucket" {
  description = "Recordings and the ledger: what an auditor copies."
  value       = aws_cloudformation_stack.custody.outputs["EvidenceBucket"]
}

output "signing_key" {
  description = "What an auditor verifies with: its public key."
  value       = aws_cloudformation_stack.custody.outputs["SigningKey"]
}

output "all" {
  description = "Every output of the stack, as cdk/README.md names them."
  value       = aws_cloudformation_stack.custody.outputs
}
