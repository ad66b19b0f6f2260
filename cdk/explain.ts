import { Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** Says why a rule of cdk-nag does not apply to `construct` and what is in it. The reason is for whoever audits the stack. */
export function explain(construct: IConstruct, reason: string, ...findings: readonly string[]): void {
  for (const finding of findings) {
    Validations.of(construct).acknowledge({ id: `AwsSolutions-${finding}`, reason });
  }
}
