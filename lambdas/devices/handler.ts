import type { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { DeviceDesk } from '#core/identity/devices/desk.ts';
import type { Device } from '#core/identity/devices/device.ts';
import { approve, revoke } from '#core/identity/devices/lifecycle.ts';
import type { DeviceStore } from '#core/identity/devices/store.ts';
import { refuseShutOut, requireAdminister } from '../access/visible.ts';
import { type Asking, askingOf } from '../asking.ts';
import {
  type ApiEvent,
  type ApiResult,
  bodyOf,
  type HttpHandler,
  httpHandler,
  json,
  queryOf,
} from '../http.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';
import { deviceAnswer } from './answers.ts';
import { devicesOf, listed } from './lists.ts';
import {
  challengeShape,
  deviceId,
  devicePageShape,
  deviceShape,
  devicesQuery,
  nothingBody,
  registrationBody,
  revocationBody,
} from './shapes.ts';
import { isOwn, isVisible } from './visible.ts';

export interface DevicesPorts {
  readonly policy: () => Config;
  readonly devices: Pick<DeviceStore, 'get' | 'list'>;
  readonly desk: DeviceDesk;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** People's devices: /v1/devices. `routeKey` names the operation. */
export function devicesHandler(ports: DevicesPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    refuseShutOut(asking);
    switch (event.routeKey) {
      case 'POST /v1/devices/challenge':
        return challenge(event, asking, ports);
      case 'GET /v1/devices':
        return list(event, asking, ports);
      case 'POST /v1/devices':
        return register(event, asking, ports);
      case 'GET /v1/devices/{id}':
        return answer(await visible(event, asking, ports), asking);
      case 'POST /v1/devices/{id}/approve':
        return approveOne(event, asking, ports);
      case 'POST /v1/devices/{id}/revoke':
        return revokeOne(event, asking, ports);
      default:
        throw noSuchOperation();
    }
  });
}

async function challenge(
  event: ApiEvent,
  { caller, policy }: Asking,
  { desk }: DevicesPorts,
): Promise<ApiResult> {
  bodyOf(nothingBody, event);
  const issued = await desk.challenge(caller, policy.devices);
  const shown = { challenge: issued.challenge, expiresAt: issued.expiresAt.toISOString() };
  return json(challengeShape, shown, { status: 201 });
}

async function register(event: ApiEvent, asking: Asking, { desk }: DevicesPorts): Promise<ApiResult> {
  const { attestation, ...given } = bodyOf(registrationBody, event);
  const shown = attestation === undefined ? {} : { attestation: Buffer.from(attestation, 'base64') };
  const device = await desk.register(asking.caller, { ...given, ...shown }, asking.policy.devices);
  return answer(device, asking, 201);
}

async function list(event: ApiEvent, asking: Asking, ports: DevicesPorts): Promise<ApiResult> {
  const { person, ...query } = queryOf(devicesQuery, event);
  if (person !== undefined) requireAdminister(asking);
  const found = await (person === undefined
    ? listed(query, asking, ports.devices)
    : devicesOf(person, query, asking, ports.devices));
  const page: z.input<typeof devicePageShape> = {
    devices: found.devices.map((device) => deviceAnswer(device, asking)),
    ...(found.next === undefined ? {} : { next: found.next }),
  };
  return json(devicePageShape, page);
}

async function approveOne(event: ApiEvent, asking: Asking, ports: DevicesPorts): Promise<ApiResult> {
  bodyOf(nothingBody, event);
  const { caller, policy } = asking;
  const { id } = await visible(event, asking, ports);
  const step = (device: Device, now: Date) => approve(device, caller, policy.devices, now);
  return answer(await ports.desk.change(id, step), asking);
}

async function revokeOne(event: ApiEvent, asking: Asking, ports: DevicesPorts): Promise<ApiResult> {
  const { reason } = bodyOf(revocationBody, event);
  const device = await visible(event, asking, ports);
  if (!isOwn(device, asking)) requireAdminister(asking);
  const step = (found: Device, now: Date) => revoke(found, asking.caller, reason, now);
  return answer(await ports.desk.change(device.id, step), asking);
}

/** One that the caller may not know of answers like one that does not exist (security cases 7, 14). */
async function visible(
  { pathParameters }: ApiEvent,
  asking: Asking,
  { devices }: DevicesPorts,
): Promise<Device> {
  const parsed = deviceId.safeParse(pathParameters?.['id']);
  if (!parsed.success) throw noSuchDevice();
  const device = await devices.get(fingerprintOf(parsed.data)).catch(hideMissing);
  if (isVisible(device, asking)) return device;
  throw noSuchDevice();
}

function fingerprintOf(hex: string): string {
  return `SHA256:${Buffer.from(hex, 'hex').toString('base64').replace(/=+$/, '')}`;
}

function hideMissing(error: unknown): never {
  throw asCustodyError(error).code === 'not-found' ? noSuchDevice() : error;
}

function noSuchDevice(): CustodyError {
  return new CustodyError('not-found', 'no such device', { hint: 'see those you may see: custody devices' });
}

function answer(device: Device, asking: Asking, status = 200): ApiResult {
  return json(deviceShape, deviceAnswer(device, asking), { status });
}
