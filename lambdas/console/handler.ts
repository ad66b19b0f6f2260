import type { Config } from '#core/access/config.ts';
import { signInOrigins } from '#core/access/sign-in-origins.ts';
import { EVIDENCE } from '../../console/build/addresses.ts';
import { ONLY_TLS } from '../../console/build/headers.ts';
import { type Site, serve } from '../../console/build/serving.ts';
import { type ApiResult, type HttpHandler, httpHandler } from '../http.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';

export interface ConsolePorts {
  readonly policy: () => Pick<Config, 'issuers'>;
  readonly site: Site;
  /** The origin that links to evidence lead to; they lead nowhere when not given. */
  readonly evidence?: string;
  readonly log: FaultLog;
}

/** The console where the API serves it. The page asks its own origin for evidence, which sends it on to where the links lead. */
export function consoleHandler({ policy, site, evidence, log }: ConsolePorts): HttpHandler {
  return httpHandler(log, async ({ rawPath: path, rawQueryString: query, headers }) => {
    if (evidence !== undefined && path.startsWith(`${EVIDENCE}/`))
      return sentOn(`${evidence}${path.slice(EVIDENCE.length)}?${query}`);
    const connect = [...signInOrigins(policy()), ...(evidence === undefined ? [] : [evidence])];
    const served = await serve(site, { path, headers }, { connect, headers: ONLY_TLS });
    if (served === undefined) throw noSuchOperation();
    return served;
  });
}

/** To one origin, whatever is asked (security case 19). */
function sentOn(location: string): ApiResult {
  return { statusCode: 307, headers: { location, 'cache-control': 'no-store' } };
}
