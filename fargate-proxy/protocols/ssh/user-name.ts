import { CustodyError } from '#core/errors.ts';

export interface NamedTarget {
  readonly target: string;
  readonly login?: string;
  /** The task of a run, unchecked. */
  readonly task?: { readonly run: string; readonly task: string };
  readonly trace?: string;
  /** The session that is run again, as the client says. */
  readonly rerun?: string;
}

/**
 * What an SSH client calls its user: `login+target`, `login@target`, or the target alone where it has one login; behind it the task that
 * the session is, `,run=ID,task=NAME`, `,trace=` with a W3C traceparent, and `,rerun=` with the session that is run again. None of these
 * signs is in any name of a target or a login, so the first one parts them. Throws `user-missing`.
 */
export function namedTarget(user: string): NamedTarget {
  const [whole, ...said] = user.split(',') as [string, ...string[]];
  const at = whole.search(/[+@]/);
  const [login, target] = at === -1 ? [undefined, whole] : [whole.slice(0, at), whole.slice(at + 1)];
  if (target === '' || login === '')
    throw new CustodyError('user-missing', 'the user names no target', {
      hint: 'name a login and a target in the user, as in: ssh deploy+web-1@GATEWAY',
    });
  return { target, ...(login === undefined ? {} : { login }), ...taskIn(said) };
}

const KEYS = ['run', 'task', 'trace', 'rerun'] as const;
type Key = (typeof KEYS)[number];

/** Each at most once, and nothing else: what would be passed over could be what the client meant. */
function taskIn(said: readonly string[]): Pick<NamedTarget, 'task' | 'trace' | 'rerun'> {
  const found = new Map<Key, string>();
  for (const one of said) {
    const [name, value, more] = one.split('=') as [string, string?, string?];
    const key = KEYS.find((known) => known === name);
    if (key === undefined || found.has(key) || (value ?? '') === '' || more !== undefined) throw noTask();
    found.set(key, value!);
  }
  const [run, task, trace, rerun] = KEYS.map((key) => found.get(key));
  if ((run === undefined) !== (task === undefined)) throw noTask();
  return {
    ...(run === undefined || task === undefined ? {} : { task: { run, task } }),
    ...(trace === undefined ? {} : { trace }),
    ...(rerun === undefined ? {} : { rerun }),
  };
}

function noTask(): CustodyError {
  return new CustodyError('user-missing', 'what stands behind the target in the user names no task', {
    hint: 'name run and task as in: ssh deploy+web-1,run=ID,task=NAME@GATEWAY',
  });
}
