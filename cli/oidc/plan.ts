import type { OfferedIssuer } from '../api-shapes.ts';

/** How to log in at an issuer: what the API says of it, with what the command line says in its place. */
export type Plan = Omit<OfferedIssuer, 'name' | 'kind' | 'title' | 'audience'>;

/** What somebody may say on the command line. */
export interface Wishes {
  readonly clientId?: string;
  readonly scope?: readonly string[];
  readonly port?: readonly number[];
  readonly prompt?: Plan['prompt'];
  readonly device?: boolean;
}

/** The way to an issuer of which the API says nothing. */
export function planFor(issuer: string): Plan {
  return {
    issuer,
    clientId: 'custody',
    redirectHost: '127.0.0.1',
    redirectPath: '/callback',
    flow: 'browser',
    token: 'id',
    params: {},
  };
}

export function withWishes(plan: Plan, { clientId, scope, port, prompt, device }: Wishes): Plan {
  return {
    ...plan,
    ...(clientId !== undefined && { clientId }),
    ...(scope !== undefined && { scopes: scope }),
    ...(port !== undefined && { ports: port }),
    ...(prompt !== undefined && { prompt }),
    ...(device !== undefined && { flow: device ? ('device' as const) : ('browser' as const) }),
  };
}
