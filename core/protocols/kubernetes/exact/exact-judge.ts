/** Of a grant for exact calls: nothing else passes but what tells clients what there is. */
import type { NamedStatement } from '#core/access/request.ts';
import { statementHash } from '#core/access/statements.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { Call } from '../call.ts';
import { callWords } from '../call-words.ts';
import type { JudgedBody, Verdict } from '../judge.ts';
import { BODY_MAX_BYTES, isDiscovery } from '../rules/rule-judge.ts';
import { type CallText, callText, parseCallText } from './call-text.ts';
import { bareText, textOfCall } from './text-of-call.ts';

export interface ExactParts {
  readonly statements: readonly NamedStatement[];
  /** Makes the grant this session's. */
  claim(): Promise<void>;
  note(fact: { readonly note: string }): void;
}

export class ExactJudge {
  readonly #approved: ReadonlySet<string>;
  readonly #parts: ExactParts;
  #claimed: Promise<void> | undefined;

  constructor(parts: ExactParts) {
    this.#parts = parts;
    this.#approved = new Set(parts.statements.flatMap(canonicalOf));
  }

  judge(call: Call, body?: JudgedBody): Verdict | Promise<Verdict> {
    if (isDiscovery(call)) return { kind: 'passes' };
    try {
      const text = textOfCall(call, body);
      if (text === undefined)
        return { kind: 'wants-body', most: BODY_MAX_BYTES, judge: (held) => this.judge(call, held) };
      return this.#isApproved(text) ? this.#pass() : { kind: 'refused', error: notApproved(call) };
    } catch (thrown) {
      return { kind: 'refused', error: notApproved(call, asCustodyError(thrown)) };
    }
  }

  /** An approval that names no container is for each of the pod's. */
  #isApproved(text: CallText): boolean {
    if (this.#approved.has(callText(text))) return true;
    const parameters = text.parameters.filter(([name]) => name !== 'container');
    return this.#approved.has(callText({ ...text, parameters }));
  }

  /** The grant becomes this session's before the first approved call goes on. */
  async #pass(): Promise<Verdict> {
    const isFirst = this.#claimed === undefined;
    this.#claimed ??= this.#parts.claim();
    try {
      await this.#claimed;
    } catch (thrown) {
      this.#claimed = undefined;
      return { kind: 'refused', error: asCustodyError(thrown) };
    }
    if (isFirst) this.#parts.note({ note: 'grant-used' });
    return { kind: 'passes' };
  }
}

/** What was approved is known by its hash (security case 23): a text beside another's hash approves nothing, and neither does one that is no call. */
function canonicalOf({ sha256, text }: NamedStatement): string[] {
  if (statementHash(text) !== sha256) return [];
  try {
    return [callText(bareText(parseCallText(text)))];
  } catch {
    return [];
  }
}

function notApproved(call: Call, why?: CustodyError): CustodyError {
  const reason = why === undefined ? 'it is none of those that this grant is for' : why.message;
  return new CustodyError('not-approved', `${callWords(call)} is forbidden: ${reason}`, {
    hint: 'ask for the calls that are to be made: custody request --statement "…"',
  });
}
