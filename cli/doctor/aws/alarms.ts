import type { Ask } from '../../aws/ask.ts';
import { bad, type Finding, good, unknown } from '../../findings/finding.ts';
import { namesOf, type SeenStack } from './stack.ts';

interface Alarm {
  readonly AlarmName: string;
  readonly AlarmDescription?: string;
  readonly StateReason?: string;
}

/** CloudWatch takes a hundred names at once. */
const AT_ONCE = 100;

/** Those of the stack that ring. */
export async function alarmFindings(stack: SeenStack, ask: Ask): Promise<readonly Finding[]> {
  const names = namesOf(stack, 'AWS::CloudWatch::Alarm');
  if (names.length === 0) return [unknown('alarms', 'the stack has none')];
  const rounds = Array.from({ length: Math.ceil(names.length / AT_ONCE) }, (_, i) =>
    names.slice(i * AT_ONCE, (i + 1) * AT_ONCE),
  );
  const all = await Promise.all(rounds.map((some) => ringing(some, ask)));
  const found = all.flat();
  return found.length > 0 ? found : [good('alarms', `none of ${names.length} rings`)];
}

async function ringing(names: readonly string[], ask: Ask): Promise<Finding[]> {
  const args = ['describe-alarms', '--state-value', 'ALARM', '--alarm-names', ...names];
  const answer = await ask<{ readonly MetricAlarms?: readonly Alarm[] }>('cloudwatch', ...args);
  if ('refused' in answer) return [unknown('alarms', answer.refused.words)];
  return (answer.found.MetricAlarms ?? []).map(({ AlarmName, AlarmDescription = 'it rings', StateReason }) =>
    bad(`alarm ${AlarmName}`, AlarmDescription, StateReason === undefined ? {} : { why: StateReason }),
  );
}
