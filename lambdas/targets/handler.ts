import type { Config } from '#core/access/config.ts';
import { Authorization, decide } from '#core/access/decide.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { callerOf } from '../caller.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery, targetsShape } from '../shapes.ts';

/** Where clients reach the gateway. */
export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** What to verify it with, when that is not a public CA. */
  readonly caPem?: string;
}

export interface TargetsPorts {
  readonly policy: Config;
  readonly verifier: TokenVerifier;
  readonly gateway: GatewayAddress;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** GET /v1/targets: what the caller may connect to, and how. The target's own address is nobody's business. */
export function targetsHandler({ policy, verifier, gateway, now, log }: TargetsPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const principal = await callerOf(event, verifier);
    queryOf(noQuery, event);
    const at = now();
    const open = [...policy.targets.values()].filter(({ name }) =>
      Authorization.isOne(decide({ policy, principal, action: 'connect', target: name, now: at })),
    );
    const targets = open.map(({ name, protocol }) => ({ name, protocol, ...gateway, database: name }));
    return json(targetsShape, { targets });
  });
}
