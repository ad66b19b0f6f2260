import { parseJson } from '#core/json.ts';
import type { Aws, Said } from './aws-cli.ts';

/** What AWS said no with. */
export interface Refusal {
  /** AWS's own name for it, such as `NoSuchEntity`; empty where nothing came as far as AWS. */
  readonly code: string;
  readonly words: string;
}

export type Answer<T> = { readonly found: T } | { readonly refused: Refusal };

/** Asks AWS something that changes nothing: `ask('rds', 'describe-db-clusters')`. Never rejects. */
export type Ask = <T>(...args: readonly string[]) => Promise<Answer<T>>;

export function askWith(aws: Aws): Ask {
  return async <T>(...args: readonly string[]) => answerOf<T>(await aws(args));
}

/** What a command answered, as JSON; a command that says nothing did what it was told. */
export function answerOf<T>({ code, stdout, stderr }: Said): Answer<T> {
  if (code !== 0) return { refused: refusalOf(stderr) };
  try {
    return { found: (stdout.trim() === '' ? {} : parseJson(stdout)) as T };
  } catch {
    return { refused: { code: '', words: 'the AWS CLI did not answer with JSON' } };
  }
}

function refusalOf(stderr: string): Refusal {
  const words = stderr.trim().split('\n').at(-1) ?? '';
  return { code: /An error occurred \(([A-Za-z0-9.]+)\)/.exec(stderr)?.[1] ?? '', words };
}

/** What was found, else nothing: for what only helps where it is known. */
export function foundOr<T, O>(answer: Answer<T>, otherwise: O): T | O {
  return 'found' in answer ? answer.found : otherwise;
}

/** Whether it was not allowed to look, which says nothing of what is there. */
export function isForbidden({ code }: Refusal): boolean {
  return /AccessDenied|UnauthorizedOperation|AuthorizationError|NotAuthorized/.test(code);
}
