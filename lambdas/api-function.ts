import type { Context } from 'aws-lambda';
import { asCustodyError } from '#core/errors.ts';
import { EDGE_SECRET } from '../console/build/edge-headers.ts';
import { DATA_HEADERS } from '../console/build/headers.ts';
import type { FreshPolicy } from './fresh-policy.ts';
import type { ApiEvent, ApiResult, HttpHandler } from './http.ts';
import { once } from './once.ts';
import { noSuchOperation, problem } from './problem.ts';
import { apiEventOf } from './rest-event.ts';
import { instrumented, type Telemetry } from './telemetry.ts';

const SECRETS = ['authorization', EDGE_SECRET];

/** The beginning of the paths that a handler answers. */
export type Routes = readonly (readonly [start: string, handler: HttpHandler])[];

/**
 * One function for several handlers, each behind the policy that is in force at the moment of the call. `ownBearer`: no authorizer
 * stands before it, and its handlers look at a secret of their own.
 */
export function apiFunction(
  telemetry: Telemetry,
  prepare: () => Promise<{
    readonly policy: FreshPolicy;
    readonly routes: Routes;
    readonly ownBearer?: true;
  }>,
): HttpHandler {
  const prepared = once(prepare);
  return instrumented<ApiEvent, ApiResult>(telemetry, async (sent, context) => {
    const event = apiEventOf(sent);
    try {
      const { policy, routes, ownBearer = false } = await prepared();
      await policy.look();
      return asData(await handlerOf(routes, event)(ownBearer ? event : withoutToken(event), context));
    } catch (thrown) {
      return asData(problem(asCustodyError(thrown), telemetry.log));
    }
  });
}

function handlerOf(routes: Routes, { rawPath }: ApiEvent): HttpHandler {
  const found = routes.find(([start]) => rawPath === start || rawPath.startsWith(`${start}/`));
  if (found !== undefined) return found[1];
  return async (_event: ApiEvent, _context: Context) => {
    throw noSuchOperation();
  };
}

/** Pages of the console may come from the same address: what is not one says so, and a page has a policy of its own (security case 18). */
function asData(answer: ApiResult): ApiResult {
  return { ...answer, headers: { ...DATA_HEADERS, ...answer.headers } };
}

/** The authorizer has verified them: nobody behind it needs the token, or what CloudFront shows, or can pass them on. */
function withoutToken(event: ApiEvent): ApiEvent {
  const headers = Object.entries(event.headers).filter(([name]) => !SECRETS.includes(name.toLowerCase()));
  return { ...event, headers: Object.fromEntries(headers) };
}
