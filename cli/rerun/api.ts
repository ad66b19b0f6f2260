import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { type Api, postJson } from '../api.ts';
import { text } from '../api-shapes.ts';
import { askForSandbox, readySandbox, type SandboxBody } from '../sandboxes-api.ts';

/** A snapshot of a large database takes its time. */
const MAKING_MAX_MS = 2 * 3_600_000;

const permissionSchema = z.object({
  session: text,
  against: text,
  protocol: text,
  sandbox: z.enum(['static', 'made']),
});
export type RerunPermission = z.infer<typeof permissionSchema>;

/** Asks the gateway whether it may be; its ledger has it from then on. */
export function permitRerun(
  api: Api,
  session: string,
  wish: { readonly against: string; readonly until?: number | undefined },
): Promise<RerunPermission> {
  return postJson(api, `/v1/sessions/${encodeURIComponent(session)}/reruns`, permissionSchema, wish);
}

/** Has a sandbox made, and waits until it is there; resolves with its id. */
export async function makeSandbox(api: Api, { at, ...wish }: SandboxBody): Promise<string> {
  const body = { ...wish, ...(at === undefined ? {} : { at }) };
  const { id } = await askForSandbox(api, body, randomUUID());
  await readySandbox(api, id, AbortSignal.timeout(MAKING_MAX_MS));
  return id;
}
