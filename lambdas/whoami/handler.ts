import { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { callerOf } from '../caller.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery, time } from '../shapes.ts';

export interface WhoamiPorts {
  readonly policy: () => Config;
  readonly log: FaultLog;
}

export const whoamiShape = z
  .object({
    issuer: z.string(),
    subject: z.string(),
    email: z.string().optional(),
    groups: z.array(z.string()).readonly(),
    groupsClaim: z.string().meta({ description: 'the claim of the token that names them' }),
    task: z.string().optional().meta({ description: 'that the token was issued for' }),
    mfa: z.boolean().meta({ description: 'whether the issuer says that more than one factor was checked' }),
    expiresAt: time,
  })
  .meta({ id: 'Whoami', description: 'whom the gateway takes the token for' });

/** GET /v1/whoami: the caller as rules see them. */
export function whoamiHandler({ policy, log }: WhoamiPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    queryOf(noQuery, event);
    const { expiresAt, mfa = false, issuerName, ...caller } = callerOf(event);
    const { issuers } = policy();
    const { groupsClaim } = issuers.find(({ name }) => name === issuerName) ?? issuers[0]!;
    return json(whoamiShape, {
      ...caller,
      mfa,
      groupsClaim: groupsClaim.join(', '),
      expiresAt: expiresAt.toISOString(),
    });
  });
}
