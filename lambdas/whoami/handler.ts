import { z } from 'zod';
import type { Config } from '#core/access/config.ts';
import { callerOf } from '../caller.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery, person, time } from '../shapes.ts';

export interface WhoamiPorts {
  readonly policy: () => Config;
  readonly log: FaultLog;
}

export const whoamiShape = z
  .object({
    ...person.shape,
    issuerName: z.string().meta({ description: 'what rules call the issuer' }),
    kind: z.enum(['person', 'workload']),
    claims: z
      .record(z.string(), z.union([z.string(), z.array(z.string()).readonly()]))
      .meta({ description: 'what the token says of the claims that rules look at' }),
    groups: z.array(z.string()).readonly(),
    groupsClaim: z.string().meta({ description: 'the claim of the token that names them' }),
    directory: z
      .enum(['google', 'microsoft'])
      .optional()
      .meta({ description: 'where groups are looked up that tokens do not name' }),
    task: z.string().optional().meta({ description: 'that the token was issued for' }),
    mfa: z.boolean().meta({ description: 'whether the issuer says that more than one factor was checked' }),
    expiresAt: time,
  })
  .meta({ id: 'Whoami', description: 'whom the gateway takes the token for' });

/** GET /v1/whoami: the caller as rules see them. */
export function whoamiHandler({ policy, log }: WhoamiPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    queryOf(noQuery, event);
    const { expiresAt, mfa = false, issuerName, workload, claims = {}, ...caller } = callerOf(event);
    const { issuers } = policy();
    const { groupsClaim, name, directory } = issuers.find((one) => one.name === issuerName) ?? issuers[0]!;
    return json(whoamiShape, {
      ...caller,
      issuerName: issuerName ?? name,
      kind: workload === true ? 'workload' : 'person',
      claims,
      mfa,
      groupsClaim: groupsClaim.join(', '),
      ...(directory === undefined ? {} : { directory: directory.kind }),
      expiresAt: expiresAt.toISOString(),
    });
  });
}
