import { createHash } from 'node:crypto';
import {
  GetCommand,
  PutCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { CustodyError } from '#core/errors.ts';
import { type Device, type DeviceStep, deviceState, registered } from '#core/identity/devices/device.ts';
import type {
  Challenge,
  DeviceOutbox,
  DeviceStore,
  RevokedDevices,
  UntoldDevice,
} from '#core/identity/devices/store.ts';
import { canonicalEmail } from '#core/identity/email.ts';
import { inBatches } from '#core/in-batches.ts';
import { parseJson } from '#core/json.ts';
import { fingerprintHex } from '#core/protocols/ssh/keys/key-line.ts';
import { type AccessTable, requesterOf } from './access-item.ts';
import { listDevices } from './device-lists.ts';
import { named, transacting, valued } from './expression.ts';
import { reaching } from './failure.ts';
import { queried } from './paging.ts';
import { markTold } from './told.ts';

export interface DevicesPlace extends AccessTable {
  readonly now: () => Date;
}

/** In the index of what is untold: requests have another word there. */
const UNTOLD = 'device';
const REVOCATIONS = 'device-revocations';
const REVOCATION_KEPT_S = 24 * 3600;
/** The watch sees what came while it could not look, and what was written late: it never waits for as long. */
const RECENT_MS = 120_000;
const AT_ONCE = 16;

/**
 * Devices in the table of requests. A registration is one transaction: the device, its spent challenge and the count of its owner's; a
 * revocation: the device, that count, and the news for those who watch sessions.
 */
export function dynamoDevices(place: DevicesPlace): DeviceStore & DeviceOutbox {
  return {
    of: (key) => reaching('look a device up', () => of(place, key)),
    revoked: (keys) => reaching('look for revoked devices', () => revoked(place, keys)),
    challenge: (challenge) => reaching('keep a challenge', () => issue(place, challenge)),
    create: (device, now, atMost) => reaching('store a device', () => create(place, device, now, atMost)),
    append: (id, after, step) => reaching('add to a device', () => append(place, id, after, step)),
    get: (id) => reaching('look a device up', async () => (await itemOf(place, id)).device),
    list: (query) => reaching('list devices', () => listDevices(place, query)),
    untold: (limit, id) => reaching('look for untold devices', () => untold(place, limit, id)),
    told: (id, count) => reaching('note what was told', () => markTold(place, { ...keyOf(id) }, count)),
  };
}

/**
 * For the watch over live sessions, which looks twice a second: whatever a session was opened with was looked up when it was opened, so
 * that only revocations of the last minutes are news. They are read in one go, however many sessions there are.
 */
export function dynamoRecentRevocations(place: DevicesPlace): RevokedDevices {
  return { revoked: (keys) => reaching('look for revoked devices', () => recent(place, keys)) };
}

interface Key {
  readonly kind: string;
  readonly id: string;
}

function keyOf(fingerprint: string): Key {
  const id = fingerprintHex(fingerprint);
  return { kind: `device/${id}`, id };
}

function countKey({ owner }: Device): Key {
  return { kind: `device-owner/${sha256(requesterOf(owner))}`, id: 'count' };
}

function challengeKey(hash: string): Key {
  return { kind: `device-challenge/${hash}`, id: 'challenge' };
}

async function issue({ dynamo, table }: DevicesPlace, challenge: Challenge): Promise<void> {
  const { hash, account, expiresAt } = challenge;
  const Item = {
    ...challengeKey(hash),
    account: requesterOf(account),
    until: expiresAt.getTime(),
    expires: Math.ceil(expiresAt.getTime() / 1000),
  };
  await dynamo.send(new PutCommand({ TableName: table, Item }));
}

/** A challenge that was used is not deleted: whoever may delete could delete requests. */
async function create(
  place: DevicesPlace,
  device: Device,
  now: Date,
  atMost: number,
): Promise<Awaited<ReturnType<DeviceStore['create']>>> {
  const { dynamo, table: TableName } = place;
  const TransactItems: TransactWriteCommandInput['TransactItems'] = [
    {
      Put: {
        TableName,
        Item: { ...keyOf(device.id), told: 0, untold: UNTOLD, ...stored(device) },
        ConditionExpression: 'attribute_not_exists(#kind)',
        ExpressionAttributeNames: named('kind'),
      },
    },
    {
      Update: {
        TableName,
        Key: { ...countKey(device) },
        UpdateExpression: 'ADD #count :one',
        ConditionExpression: 'attribute_not_exists(#count) OR #count < :most',
        ExpressionAttributeNames: named('count'),
        ExpressionAttributeValues: valued({ one: 1, most: atMost }),
      },
    },
    {
      Update: {
        TableName,
        Key: { ...challengeKey(device.challenge) },
        UpdateExpression: 'SET #used = :yes',
        ConditionExpression: '#account = :account AND #until > :now AND attribute_not_exists(#used)',
        ExpressionAttributeNames: named('used', 'account', 'until'),
        ExpressionAttributeValues: valued({
          yes: 'yes',
          account: requesterOf(device.owner),
          now: now.getTime(),
        }),
      },
    },
  ];
  const refused = await transacting(() => dynamo.send(new TransactWriteCommand({ TransactItems })));
  if (refused === undefined) return 'created';
  const [exists, tooMany] = refused.map((reason) => reason === 'ConditionalCheckFailed');
  return exists === true ? 'exists' : tooMany === true ? 'too-many' : 'no-challenge';
}

/** The number of steps is the version. */
async function append(place: DevicesPlace, id: string, after: number, step: DeviceStep): Promise<void> {
  const { dynamo, table: TableName } = place;
  const { device, told: already } = await itemOf(place, id);
  const changed = { ...device, steps: [...device.steps, step] };
  // What was told meanwhile is told again: the same leaf is entered once.
  const Item = { ...keyOf(id), told: already, untold: UNTOLD, ...stored(changed) };
  const versioned = {
    Put: {
      TableName,
      Item,
      ConditionExpression: '#steps = :after',
      ExpressionAttributeNames: named('steps'),
      ExpressionAttributeValues: valued({ after }),
    },
  };
  const TransactItems = [versioned, ...(step.kind === 'revoked' ? revocation(place, device) : [])];
  const isStale = device.steps.length !== after;
  const refused = isStale
    ? ['ConditionalCheckFailed']
    : await transacting(() => dynamo.send(new TransactWriteCommand({ TransactItems })));
  if (refused === undefined) return;
  throw new CustodyError('conflict', 'somebody else changed the device', { hint: 'look at it again' });
}

function revocation({ table: TableName, now }: DevicesPlace, device: Device) {
  const at = now();
  const Item = {
    kind: REVOCATIONS,
    id: `${at.toISOString()}/${fingerprintHex(device.id)}`,
    device: device.id,
    expires: Math.floor(at.getTime() / 1000) + REVOCATION_KEPT_S,
  };
  const oneLess = {
    TableName,
    Key: { ...countKey(device) },
    UpdateExpression: 'ADD #count :less',
    ExpressionAttributeNames: named('count'),
    ExpressionAttributeValues: valued({ less: -1 }),
  };
  return [{ Put: { TableName, Item } }, { Update: oneLess }];
}

async function of(place: DevicesPlace, key: string) {
  const found = await find(place, key);
  return found === undefined ? undefined : registered(found.device, found.told);
}

async function revoked(place: DevicesPlace, keys: readonly string[]): Promise<Set<string>> {
  const found = new Set<string>();
  await inBatches(keys, AT_ONCE, async (key) => {
    const item = await find(place, key);
    if (item !== undefined && deviceState(item.device) === 'revoked') found.add(key);
  });
  return found;
}

async function recent({ dynamo, table, now }: DevicesPlace, keys: readonly string[]): Promise<Set<string>> {
  const wanted = new Set(keys);
  const found = new Set<string>();
  const news = queried(dynamo, {
    TableName: table,
    KeyConditionExpression: '#kind = :revocations AND #id > :since',
    ExpressionAttributeNames: named('kind', 'id'),
    ExpressionAttributeValues: valued({
      revocations: REVOCATIONS,
      since: new Date(now().getTime() - RECENT_MS).toISOString(),
    }),
    ConsistentRead: true,
  });
  for await (const { device } of news) if (wanted.has(device as string)) found.add(device as string);
  return found;
}

async function itemOf(place: AccessTable, id: string): Promise<UntoldDevice> {
  const found = await find(place, id);
  if (found !== undefined) return found;
  throw new CustodyError('not-found', 'no such device', { hint: 'see yours: custody devices' });
}

async function find({ dynamo, table }: AccessTable, id: string): Promise<UntoldDevice | undefined> {
  const Key = { ...keyOf(id) };
  const { Item } = await dynamo.send(new GetCommand({ TableName: table, Key, ConsistentRead: true }));
  return Item === undefined ? undefined : untoldIn(Item);
}

/** By the index of what is untold, which may lag: what was told already is entered once all the same. */
async function untold(place: AccessTable, limit: number, id: string | undefined): Promise<UntoldDevice[]> {
  if (id !== undefined) {
    const found = await find(place, id);
    return found === undefined || found.told > found.device.steps.length ? [] : [found];
  }
  const { Items = [] } = await place.dynamo.send(
    new QueryCommand({
      TableName: place.table,
      IndexName: 'untold',
      KeyConditionExpression: '#untold = :device',
      ExpressionAttributeNames: named('untold'),
      ExpressionAttributeValues: valued({ device: UNTOLD }),
      Limit: Math.max(1, Math.trunc(limit)),
    }),
  );
  return Items.map(untoldIn);
}

/** The attributes of indexes are words of their own: no list of requests finds a device. */
function stored(device: Device) {
  const { owner, steps } = device;
  return {
    device: JSON.stringify(device),
    steps: steps.length,
    requester: `device/${requesterOf(owner)}`,
    state: `device-${deviceState(device)}`,
    ...(owner.email === undefined ? {} : { target: `device/${canonicalEmail(owner.email)}` }),
  };
}

function untoldIn(item: Readonly<Record<string, unknown>>): UntoldDevice {
  return { device: parseJson(item['device'] as string) as Device, told: item['told'] as number };
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
