import { z } from 'zod';
import { type Api, getJson, postJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { CustodyError } from '#core/errors.ts';
import { setTimeout as sleep } from 'node:timers/promises';

const permissionSchema = z.object({
  session: text,
  against: text,
  protocol: text,
  sandbox: z.enum(['static', 'made']),
});
export type RerunPermission = z.infer<typeof permissionSchema>;

const sandboxShape = z.object({
  id: text,
  state: z.enum(['making', 'ready', 'failed', 'removed']),
  until: text.optional(),
  problem: z.object({ message: text, hint: text.optional() }).optional(),
});

const POLL_MS = 500;

/** Asks the gateway whether it may be; its ledger has it from then on. */
export function permitRerun(
  api: Api,
  session: string,
  wish: { readonly against: string; readonly until?: number | undefined },
): Promise<RerunPermission> {
  return postJson(api, `/v1/sessions/${encodeURIComponent(session)}/reruns`, permissionSchema, wish);
}

/** Has a sandbox made, and waits until it is there; resolves with its id. */
export async function makeSandbox(
  api: Api,
  wish: { readonly target: string; readonly session: string; readonly at?: string | undefined },
): Promise<string> {
  let sandbox = await postJson(api, '/v1/sandboxes', sandboxShape, wish);
  while (sandbox.state === 'making') {
    await sleep(POLL_MS);
    sandbox = await getJson(api, `/v1/sandboxes/${encodeURIComponent(sandbox.id)}`, sandboxShape);
  }
  if (sandbox.state === 'ready') return sandbox.id;
  const { message = 'it could not be made', hint } = sandbox.problem ?? {};
  throw new CustodyError('target-unreachable', `the sandbox: ${message}`, hint === undefined ? {} : { hint });
}

/** Takes it away again; a failure is nobody's: its time ends by itself. */
export async function removeSandbox(api: Api, id: string): Promise<void> {
  const { send } = await import('../http.ts');
  const url = new URL(`${api.base.href.replace(/\/$/, '')}/v1/sandboxes/${encodeURIComponent(id)}`);
  await send(url, { method: 'DELETE', headers: { authorization: `Bearer ${api.token}` } }).catch(
    () => undefined,
  );
}
