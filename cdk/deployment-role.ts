import { DefaultStackSynthesizer, Fn, Stack } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { PlainSynthesizer } from './terraform/plain-synthesizer.ts';

/** The role that CloudFormation works with: its ARN, for conditions. */
export function deploymentRole(scope: IConstruct): string {
  const { synthesizer } = Stack.of(scope);
  if (synthesizer instanceof PlainSynthesizer) return synthesizer.deploymentRole;
  const known = synthesizer instanceof DefaultStackSynthesizer ? synthesizer : undefined;
  return Fn.sub(known?.cloudFormationExecutionRoleArn ?? BOOTSTRAPPED);
}

// biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation fills it in
const BOOTSTRAPPED = 'arn:${AWS::Partition}:iam::${AWS::AccountId}:role/cdk-*-cfn-exec-role-*';
