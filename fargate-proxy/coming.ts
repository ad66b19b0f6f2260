import type { Context } from '#core/access/conditions.ts';
import type { Greeting } from './protocol.ts';

/** How somebody comes, as rules look at it, at the door and for as long as the session lives. */
export function comingOf(
  { login, device }: Pick<Greeting, 'login' | 'device'>,
  network: string | undefined,
): Context {
  return {
    ...(network === undefined ? {} : { network }),
    ...(login === undefined ? {} : { login }),
    ...(device?.user?.verified === true ? { userVerified: true } : {}),
  };
}
