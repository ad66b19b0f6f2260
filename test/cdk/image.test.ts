import { Template } from 'aws-cdk-lib/assertions';
import { FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import { describe, expect, it } from 'vitest';
import { givenImage } from '#cdk/artifacts.ts';
import { readDeploymentConfig } from '#cdk/config.ts';
import { emptyStack, MINIMAL } from '#test/support/stacks.ts';

const DIGEST = `sha256:${'0123456789abcdef'.repeat(4)}`;

function taskWith(reference: string): Template {
  const { image } = readDeploymentConfig({ ...MINIMAL, image: reference });
  const stack = emptyStack();
  const task = new FargateTaskDefinition(stack, 'Task');
  task.addContainer('Proxy', { image: givenImage(stack, image!) });
  return Template.fromStack(stack);
}

function imageOf(template: Template): unknown {
  const [task] = Object.values(template.findResources('AWS::ECS::TaskDefinition'));
  return (task!['Properties'] as { ContainerDefinitions: { Image: unknown }[] }).ContainerDefinitions[0]!
    .Image;
}

describe("an image of one's own", () => {
  it('is pulled by its digest, from any registry', () => {
    const template = taskWith(`registry.example.com:5000/acme/custody@${DIGEST}`);
    expect(imageOf(template)).toBe(`registry.example.com:5000/acme/custody@${DIGEST}`);
    template.resourceCountIs('AWS::IAM::Policy', 0);
  });

  it('of ECR may be pulled by the tasks, and nothing else of the registry', () => {
    const template = taskWith(`111122223333.dkr.ecr.eu-central-1.amazonaws.com/acme/custody@${DIGEST}`);
    expect(JSON.stringify(imageOf(template))).toContain(`/acme/custody@${DIGEST}`);
    const [policy] = Object.values(template.findResources('AWS::IAM::Policy'));
    const { PolicyDocument } = policy!['Properties'] as {
      PolicyDocument: { Statement: { Action: unknown; Resource: unknown }[] };
    };
    expect(PolicyDocument.Statement.map(({ Action }) => Action)).toEqual([
      ['ecr:BatchCheckLayerAvailability', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchGetImage'],
      'ecr:GetAuthorizationToken',
    ]);
    expect(JSON.stringify(PolicyDocument.Statement[0]!.Resource)).toContain(
      ':ecr:eu-central-1:111122223333:repository/acme/custody',
    );
  });
});
