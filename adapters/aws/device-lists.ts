import type { Device } from '#core/identity/devices/device.ts';
import type { DevicePage, DeviceQuery } from '#core/identity/devices/store.ts';
import { parseJson } from '#core/json.ts';
import { fingerprintHex } from '#core/protocols/ssh/keys/key-line.ts';
import { type AccessTable, requesterOf } from './access-item.ts';
import { named, valued } from './expression.ts';
import { queried } from './paging.ts';

const PAGE_MAX = 1_000;

/** Devices by one of the indexes of requests, where they have words of their own. */
export async function listDevices({ dynamo, table }: AccessTable, query: DeviceQuery): Promise<DevicePage> {
  const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(query.limit)));
  const { index, key, value } = partitionOf(query);
  const after = query.cursor === undefined ? undefined : fingerprintHex(query.cursor);
  const items = queried(dynamo, {
    TableName: table,
    IndexName: index,
    KeyConditionExpression: `#${key} = :value${after === undefined ? '' : ' AND #id > :after'}`,
    ExpressionAttributeNames: named(key, ...(after === undefined ? [] : ['id'])),
    ExpressionAttributeValues: valued({ value, ...(after === undefined ? {} : { after }) }),
    Limit: limit + 1,
  });
  const found: Device[] = [];
  for await (const { device } of items) {
    found.push(parseJson(device as string) as Device);
    if (found.length > limit) break;
  }
  const devices = found.slice(0, limit);
  return found.length > limit ? { devices, next: devices.at(-1)!.id } : { devices };
}

function partitionOf(query: DeviceQuery) {
  if ('owner' in query)
    return { index: 'by-requester', key: 'requester', value: `device/${requesterOf(query.owner)}` };
  if ('email' in query) return { index: 'by-target', key: 'target', value: `device/${query.email}` };
  return { index: 'by-state', key: 'state', value: `device-${query.state}` };
}
