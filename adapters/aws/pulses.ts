import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { parsePulse, pulseText } from '#core/status/pulse-text.ts';
import { PULSE_KNOWN_MS, type Pulse, type Pulses } from '#core/status/pulse.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';
import type { CoordinationTable } from './task-leases.ts';

const PULSES = 'pulses';

/** What processes say of themselves, in one partition of DynamoDB: a task and a few functions, each an item. */
export function dynamoPulses(place: CoordinationTable): Pulses {
  return {
    tell: (pulse) => reaching('tell how this process is', () => tell(place, pulse)),
    since: (time) => reaching('look how processes are', () => since(place, time)),
  };
}

async function tell({ dynamo, table }: CoordinationTable, pulse: Pulse): Promise<void> {
  const at = pulse.at.getTime();
  const expires = Math.floor((at + PULSE_KNOWN_MS) / 1000);
  const Item = { kind: PULSES, name: pulse.process, at, pulse: pulseText(pulse), expires };
  await dynamo.send(new PutCommand({ TableName: table, Item }));
}

async function since({ dynamo, table }: CoordinationTable, time: Date): Promise<readonly Pulse[]> {
  const items = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: 'kind = :pulses',
    ExpressionAttributeValues: { ':pulses': PULSES },
    ConsistentRead: true,
  });
  const pulses: Pulse[] = [];
  for await (const { at, pulse } of items)
    if ((at as number) >= time.getTime()) pulses.push(parsePulse(pulse as string));
  return pulses;
}
