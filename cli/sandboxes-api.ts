/** Sandboxes, as far as the CLI uses the API for them. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';
import { sandboxStates } from '#core/sandboxes/sandbox.ts';
import { type Api, deleteJson, getJson, postJson } from './api.ts';
import { person, text } from './api-shapes.ts';

/** A small database takes a second or two, and one of RDS many minutes. */
const LOOK_FIRST_MS = 100;
const LOOK_AT_MOST_MS = 5_000;
const SLOWER = 1.3;
/** A snapshot of a large database takes its time. */
const MAKING_MAX_MS = 2 * 3_600_000;

const sandboxSchema = z.object({
  id: z.uuid().lowercase(),
  target: text,
  from: text,
  at: text,
  session: text.optional(),
  by: person,
  state: z.enum(sandboxStates),
  createdAt: text,
  readyAt: text.optional(),
  until: text,
  problem: z.object({ message: text, hint: text.optional() }).optional(),
});
export type Sandbox = z.infer<typeof sandboxSchema>;

const sandboxesSchema = z.object({ sandboxes: z.array(sandboxSchema) });

export interface SandboxBody {
  readonly target: string;
  readonly session?: string;
  /** `session`, `now`, or a time. */
  readonly at?: string;
  readonly durationSeconds?: number;
}

/** It begins to be made. `key`: the same one makes one sandbox, however often it is sent. */
export function askForSandbox(api: Api, body: SandboxBody, key: string): Promise<Sandbox> {
  return postJson(api, '/v1/sandboxes', sandboxSchema, body, { 'idempotency-key': key });
}

/** Looks until it is ready. Rejects with `precondition-failed`, in the words of what made it, where it failed or was removed. */
export async function readySandbox(api: Api, id: string, within: AbortSignal): Promise<Sandbox> {
  for (let pause = LOOK_FIRST_MS; ; pause = Math.min(pause * SLOWER, LOOK_AT_MOST_MS)) {
    const sandbox = await getSandbox(api, id);
    if (sandbox.state === 'ready') return sandbox;
    if (sandbox.state !== 'making') throw notMade(sandbox);
    within.throwIfAborted();
    await sleep(pause, undefined, { signal: within });
  }
}

/** Has one made, and waits until it is there; resolves with its id. */
export async function makeSandbox(api: Api, body: SandboxBody): Promise<string> {
  const { id } = await askForSandbox(api, body, randomUUID());
  await readySandbox(api, id, AbortSignal.timeout(MAKING_MAX_MS));
  return id;
}

export function getSandbox(api: Api, id: string): Promise<Sandbox> {
  return getJson(api, `/v1/sandboxes/${encodeURIComponent(id)}`, sandboxSchema);
}

/** Newest first; what was removed is not among them. */
export async function listSandboxes(api: Api): Promise<readonly Sandbox[]> {
  return (await getJson(api, '/v1/sandboxes', sandboxesSchema)).sandboxes;
}

export function removeSandbox(api: Api, id: string): Promise<Sandbox> {
  return deleteJson(api, `/v1/sandboxes/${encodeURIComponent(id)}`, sandboxSchema);
}

function notMade({ id, state, problem, target }: Sandbox): CustodyError {
  const why =
    state === 'removed' ? 'was removed' : `could not be made: ${problem?.message ?? 'nobody knows why'}`;
  return new CustodyError('precondition-failed', `the sandbox ${id} ${why}`, {
    hint: problem?.hint ?? `make another: custody sandbox make ${target}`,
  });
}
