import type { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { madeSandboxOf } from '#core/access/made-sandboxes.ts';
import { personOf } from '#core/access/person.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import { asOf, isMadeBy, type SandboxDesk } from '#core/sandboxes/desk.ts';
import type { SandboxStore } from '#core/sandboxes/ports.ts';
import type { Sandbox } from '#core/sandboxes/sandbox.ts';
import { mayAdminister, refuseShutOut } from '../access/visible.ts';
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
import { idempotencyKey } from '../idempotency-key.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';
import { noQuery } from '../shapes.ts';
import { type PermissionPorts, permitted } from './permission.ts';
import { sandboxBody, sandboxesShape, sandboxId, sandboxShape } from './shapes.ts';

export interface SandboxesPorts extends PermissionPorts {
  readonly policy: () => Config;
  readonly sandboxes: Pick<SandboxStore, 'get' | 'present'>;
  readonly desk: SandboxDesk;
  /** Has whoever makes sandboxes look now, rather than at its time. */
  readonly wake: () => Promise<void>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** Sandboxes: /v1/sandboxes. `routeKey` names the operation. */
export function sandboxesHandler(ports: SandboxesPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    const asking = askingOf(event, ports);
    refuseShutOut(asking);
    queryOf(noQuery, event);
    switch (event.routeKey) {
      case 'POST /v1/sandboxes':
        return make(event, asking, ports);
      case 'GET /v1/sandboxes':
        return list(asking, ports);
      case 'GET /v1/sandboxes/{id}':
        return answer(await visible(event, asking, ports), asking);
      case 'DELETE /v1/sandboxes/{id}':
        return remove(event, asking, ports);
      default:
        throw noSuchOperation();
    }
  });
}

async function make(event: ApiEvent, asking: Asking, ports: SandboxesPorts): Promise<ApiResult> {
  const wish = bodyOf(sandboxBody, event);
  const key = idempotencyKey(event);
  const { connect, rerun, at } = await permitted(wish, asking, ports);
  const duration = wish.durationSeconds === undefined ? undefined : wish.durationSeconds * 1000;
  const sandbox = await ports.desk.make(connect, rerun, {
    at,
    for: duration ?? madeSandboxOf(connect.target)!.for,
    ...(wish.session === undefined ? {} : { session: wish.session }),
    ...(key === undefined ? {} : { key }),
  });
  await ports.wake();
  return answer(sandbox, asking, 202);
}

async function list(asking: Asking, { sandboxes }: SandboxesPorts): Promise<ApiResult> {
  const all = await sandboxes.present();
  const seen = all
    .filter((one) => isVisible(one, asking))
    .map((one) => shown(one, asking))
    .filter(({ state }) => state !== 'removed');
  return json(sandboxesShape, { sandboxes: seen.toReversed() });
}

async function remove(event: ApiEvent, asking: Asking, ports: SandboxesPorts): Promise<ApiResult> {
  const removed = await ports.desk.remove(await visible(event, asking, ports));
  await ports.wake();
  return answer(removed, asking);
}

/** One that the caller may not know of answers like one that does not exist (security cases 7, 14). */
async function visible(
  { pathParameters }: ApiEvent,
  asking: Asking,
  { sandboxes }: SandboxesPorts,
): Promise<Sandbox> {
  const parsed = sandboxId.safeParse(pathParameters?.['id']);
  if (!parsed.success) throw noSuchSandbox();
  const sandbox = await sandboxes.get(parsed.data).catch(hideMissing);
  if (isVisible(sandbox, asking)) return sandbox;
  throw noSuchSandbox();
}

function isVisible(sandbox: Sandbox, asking: Asking): boolean {
  return isMadeBy(sandbox, asking.caller) || mayAdminister(asking);
}

function hideMissing(error: unknown): never {
  throw asCustodyError(error).code === 'not-found' ? noSuchSandbox() : error;
}

function noSuchSandbox(): CustodyError {
  return new CustodyError('not-found', 'no such sandbox', { hint: 'see yours: custody sandbox list' });
}

/** Its address is nobody's business: clients go through the gateway. */
function shown(sandbox: Sandbox, { now }: Asking): z.input<typeof sandboxShape> {
  const { by, address: _address, version: _version, gone: _gone, key: _key, ...rest } = asOf(sandbox, now);
  return { ...rest, by: personOf(by) };
}

function answer(sandbox: Sandbox, asking: Asking, status = 200): ApiResult {
  return json(sandboxShape, shown(sandbox, asking), { status });
}
