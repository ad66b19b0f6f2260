import type { PolicyInForce } from '#core/access/policy.ts';
import { requireAdminister } from '../access/visible.ts';
import { askingOf } from '../asking.ts';
import { type HttpHandler, httpHandler, json } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { configOverview } from './overview.ts';
import { configShape } from './shapes.ts';
import { configState } from './state.ts';

export interface ConfigPorts {
  readonly policy: Pick<PolicyInForce, 'config' | 'refused'>;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** GET /v1/config: which configuration is in force, what is in it, and whether a newer one was refused. For who administers. */
export function configHandler({ policy, now, log }: ConfigPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    requireAdminister(askingOf(event, { policy: () => policy.config, now }));
    return json(configShape, { ...configState(policy), ...configOverview(policy.config) });
  });
}
