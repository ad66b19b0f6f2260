import type { Context } from '#core/access/conditions.ts';
import type { Config } from '#core/access/config.ts';
import type { Principal } from '#core/identity/principal.ts';
import { callerOf, contextOf } from './caller.ts';
import type { ApiEvent } from './http.ts';

/** Who asks, under which rules, from where, and when. */
export interface Asking {
  readonly caller: Principal;
  readonly policy: Config;
  readonly context: Context;
  readonly now: Date;
}

export interface AskingPorts {
  readonly policy: () => Config;
  readonly now: () => Date;
}

export function askingOf(event: ApiEvent, { policy, now }: AskingPorts): Asking {
  return { caller: callerOf(event), policy: policy(), context: contextOf(event), now: now() };
}
