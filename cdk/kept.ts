import { type CfnResource, RemovalPolicy } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/**
 * What holds evidence, or what evidence is read with, outlives its stack; where the deployment that made it fails, it goes again
 * with the rest, so that the next can be tried. https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-attribute-deletionpolicy.html
 */
export const KEPT = RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;

/** The same for what CDK takes no removal policy for. */
export function keep(construct: IConstruct): void {
  (construct.node.defaultChild as CfnResource).applyRemovalPolicy(KEPT);
}
