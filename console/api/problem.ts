/** What the API, or the way to it, says is wrong: a code for programs, words for people, and what to do next (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem';
  readonly code: string;
  /** 0 where there was no answer. */
  readonly status: number;
  readonly hint: string | undefined;

  constructor(code: string, message: string, { status = 0, hint }: ProblemMore = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.hint = hint;
  }
}

interface ProblemMore {
  readonly status?: number;
  readonly hint?: string | undefined;
}

/** Any thrown value as a Problem. */
export function asProblem(thrown: unknown): Problem {
  if (thrown instanceof Problem) return thrown;
  const own = codeOf(thrown);
  if (own !== undefined) return new Problem(own.code, own.message, { hint: own.hint });
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Problem('internal', message, { hint: 'reload the page; tell the operator when it stays' });
}

/** Of core's own errors, whose class is not loaded before it is used. */
function codeOf(thrown: unknown): { code: string; message: string; hint: string | undefined } | undefined {
  if (!(thrown instanceof Error) || thrown.name !== 'CustodyError') return undefined;
  const { code, message, hint } = thrown as Error & {
    readonly code: string;
    readonly hint: string | undefined;
  };
  return { code, message, hint };
}

/** Of an answer that is none of success. */
export async function problemOf(response: Response): Promise<Problem> {
  const { status } = response;
  const body = (await response.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
  const word = (name: string): string | undefined => {
    const value = body[name];
    return typeof value === 'string' ? value : undefined;
  };
  const message = word('detail') ?? word('title') ?? `the gateway answered ${status}`;
  return new Problem(word('code') ?? 'internal', message, { status, hint: word('hint') });
}
