import { z } from 'zod';
import type { PolicyInForce } from '#core/access/policy.ts';
import { requireAdminister } from '../access/visible.ts';
import { askingOf } from '../asking.ts';
import { type HttpHandler, httpHandler, json } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { time } from '../shapes.ts';

export interface ConfigPorts {
  readonly policy: Pick<PolicyInForce, 'config' | 'refused'>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

export const configShape = z
  .object({
    version: z.string().meta({ description: 'SHA-256 of the configuration in force' }),
    refused: z
      .object({ since: time, problem: z.string() })
      .optional()
      .meta({ description: 'a newer file that is not taken, and why' }),
  })
  .meta({ id: 'ConfigState' });

/** GET /v1/config: which configuration is in force, and whether a newer one was refused. For who administers. */
export function configHandler({ policy, now, log }: ConfigPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    requireAdminister(askingOf(event, { policy: () => policy.config, now }));
    const { config, refused } = policy;
    const problem = refused && { since: refused.since.toISOString(), problem: refused.error.message };
    return json(configShape, {
      version: config.version,
      ...(problem === undefined ? {} : { refused: problem }),
    });
  });
}
