import type { PolicyInForce } from '#core/access/policy.ts';
import { requireAdminister } from '../access/visible.ts';
import { askingOf } from '../asking.ts';
import { configState } from '../config/state.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery } from '../shapes.ts';
import { type LedgerStatePorts, ledgerState } from './ledger.ts';
import { type DeadLettersPorts, deadLettersState, type SearchPorts, searchState } from './left.ts';
import { refusedLately, refusedSince } from './refused.ts';
import { type SessionsNowPorts, sessionsNow } from './sessions.ts';
import { statusShape } from './shapes.ts';

export interface StatusPorts extends SessionsNowPorts, LedgerStatePorts, DeadLettersPorts, SearchPorts {
  readonly policy: Pick<PolicyInForce, 'config' | 'refused'>;
  readonly version: string;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** GET /v1/status: how the gateway is. For who administers; nothing of it names a person. */
export function statusHandler({ policy, now, log, version, ...ports }: StatusPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    const asking = askingOf(event, { policy: () => policy.config, now });
    requireAdminister(asking);
    queryOf(noQuery, event);
    const at = asking.now;
    const pulses = await ports.pulses.since(refusedSince(at));
    const [{ open, ...held }, ledger, deadLetters] = await Promise.all([
      sessionsNow(ports, pulses, at),
      ledgerState(ports),
      deadLettersState(ports),
    ]);
    const search = await searchState(ports, open);
    return json(statusShape, {
      at: at.toISOString(),
      version,
      ...held,
      ledger,
      deadLetters,
      ...(search === undefined ? {} : { search }),
      refusedTokens: refusedLately(pulses, at),
      config: configState(policy),
    });
  });
}
