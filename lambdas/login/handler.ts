import { z } from 'zod';
import type { Config, IssuerConfig } from '#core/access/config.ts';
import { type LoginConfig, loginSchema } from '#core/access/login-schema.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import type { FaultLog } from '../problem.ts';
import { noQuery } from '../shapes.ts';

export interface LoginPorts {
  readonly policy: () => Config;
  readonly log: FaultLog;
}

/** How long a cache on the way may keep it: a new client id has to be known soon. */
const CACHED = { 'cache-control': 'public, max-age=60' };

const text = z.string();
const common = {
  name: text,
  issuer: text,
  audience: z.array(text).meta({ description: 'a token has to be for one of these' }),
};

const personShape = z.object({
  ...common,
  kind: z.literal('person'),
  title: text.optional(),
  clientId: text,
  clientSecret: text
    .optional()
    .meta({ description: 'of a client on the own machine, whose issuer does not take it for a secret' }),
  scopes: z
    .array(text)
    .optional()
    .meta({ description: 'openid, and of email and offline_access what the issuer offers, when absent' }),
  ports: z.array(z.int()).optional().meta({ description: 'any when absent' }),
  redirectHost: z.enum(['127.0.0.1', 'localhost']),
  redirectPath: text,
  prompt: z.enum(['login', 'consent', 'select_account']).optional(),
  flow: z.enum(['browser', 'device']),
  token: z.enum(['id', 'access']),
  params: z.record(text, text),
  console: z
    .object({
      clientId: text.optional(),
      scopes: z.array(text).optional(),
      origins: z.array(text).optional().meta({ description: 'where else its endpoints may be' }),
    })
    .optional()
    .meta({ description: 'what is different for a browser' }),
});

const workloadShape = z.object({ ...common, kind: z.literal('workload') });

export const loginShape = z
  .object({
    issuers: z.array(z.discriminatedUnion('kind', [personShape, workloadShape])),
    console: text.optional().meta({ description: 'where people open the console' }),
  })
  .meta({ id: 'Login', description: 'where to log in, and what a client needs to know for it' });

/** GET /v1/login: public, as it is asked for before anybody has a token. */
export function loginHandler({ policy, log }: LoginPorts): HttpHandler {
  return httpHandler(log, async (event) => {
    queryOf(noQuery, event);
    const { issuers, console } = policy();
    const answer = { issuers: issuers.map(shown), ...(console === undefined ? {} : { console }) };
    return json(loginShape, answer, { headers: CACHED });
  });
}

type Shown = z.input<typeof loginShape>['issuers'][number];

function shown({ name, kind, issuer, audience, login }: IssuerConfig): Shown {
  if (kind === 'workload') return { name, kind, issuer, audience };
  const { clientId = audience[0]!, ...rest }: LoginConfig = login ?? loginSchema.parse({});
  return { name, kind, issuer, audience, clientId, ...rest };
}
