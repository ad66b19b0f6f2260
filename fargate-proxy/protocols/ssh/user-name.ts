import { CustodyError } from '#core/errors.ts';

export interface NamedTarget {
  readonly target: string;
  readonly login?: string;
}

/**
 * What an SSH client calls its user: `login+target`, `login@target`, or the target alone where it has one login. Neither sign is in
 * any name of a target or a login, so the first one parts them. Throws `user-missing`.
 */
export function namedTarget(user: string): NamedTarget {
  const at = user.search(/[+@]/);
  const [login, target] = at === -1 ? [undefined, user] : [user.slice(0, at), user.slice(at + 1)];
  if (target === '' || login === '')
    throw new CustodyError('user-missing', 'the user names no target', {
      hint: 'name a login and a target in the user, as in: ssh deploy+web-1@GATEWAY',
    });
  return login === undefined ? { target } : { target, login };
}
