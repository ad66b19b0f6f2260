import type { Ask } from '../../aws/ask.ts';
import { type Finding, good, unknown, warning } from '../../findings/finding.ts';
import { namesOf, type SeenStack } from './stack.ts';

const HOUR_MS = 3_600_000;
const METRICS = ['WriteThrottleEvents', 'ReadThrottleEvents'] as const;

/** Calls that DynamoDB did not take in the last hour, by table. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html */
export async function throttleFindings(stack: SeenStack, ask: Ask, now: number): Promise<readonly Finding[]> {
  const tables = [...namesOf(stack, 'AWS::DynamoDB::Table'), ...namesOf(stack, 'AWS::DynamoDB::GlobalTable')];
  if (tables.length === 0) return [];
  const queries = tables.flatMap((table, i) =>
    METRICS.map((metric, j) => queryOf(`t${i}m${j}`, table, metric)),
  );
  const [from, until] = [now - HOUR_MS, now].map((at) => new Date(at).toISOString()) as [string, string];
  const answer = await ask<{
    readonly MetricDataResults?: readonly { readonly Label?: string; readonly Values?: readonly number[] }[];
  }>(
    ...(['cloudwatch', 'get-metric-data', '--metric-data-queries', JSON.stringify(queries)] as const),
    ...['--start-time', from, '--end-time', until],
  );
  if ('refused' in answer) return [unknown('tables', answer.refused.words)];
  const found = (answer.found.MetricDataResults ?? []).flatMap(({ Label = '', Values = [] }) => {
    const sum = Values.reduce((total, value) => total + value, 0);
    return sum === 0 ? [] : [throttled(Label, sum)];
  });
  return found.length > 0 ? found : [good('tables', 'DynamoDB took every call of the last hour')];
}

function queryOf(Id: string, table: string, MetricName: string) {
  const Metric = { Namespace: 'AWS/DynamoDB', MetricName, Dimensions: [{ Name: 'TableName', Value: table }] };
  return { Id, Label: `${table} ${MetricName}`, MetricStat: { Metric, Period: 300, Stat: 'Sum' } };
}

function throttled(label: string, sum: number): Finding {
  const [table = '', metric = ''] = label.split(' ');
  return warning(
    `table ${table}`,
    `${metric === METRICS[0] ? 'writes' : 'reads'} were not taken ${sum} times in the last hour`,
    {
      why: 'sessions are paused while what they do cannot be written down',
      todo: 'give the table more warm throughput: aws dynamodb update-table --warm-throughput',
    },
  );
}
