import { z } from 'zod';
import { type Api, postJson } from '../api.ts';
import { text } from '../api-shapes.ts';

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
