import { violation } from '../wire.ts';
import type { FileRights } from './file-rights.ts';
import { encodeLstat, encodeRealpath, type SftpAnswer, SftpStatus } from './sftp-answers.ts';
import { isDirectory } from './sftp-attributes.ts';
import { type Refusal, refusal, refused } from './sftp-judge.ts';
import { allowed, mayResolve, type Needs, questionOf, resolvedPath } from './sftp-needs.ts';
import type { SftpRequest } from './sftp-requests.ts';

/** A request, with its bytes, that waits for what the target says of its paths. */
export interface Asked {
  readonly request: SftpRequest;
  readonly bytes: Uint8Array;
}

interface Settled {
  readonly asked: Asked;
  readonly verdict: { readonly kind: 'pass' } | Refusal;
  /** Where the request's first path leads. */
  readonly resolved?: string;
}

/** Sends a message with an id of the gateway's choice, and returns the id. */
type Send = (message: (id: number) => Uint8Array) => number;

/**
 * Where the paths of one request lead, as the target says: REALPATH of each, without the last name where the target does not
 * follow a link there; and whether what moves is a directory. The target does its requests in order, so that nothing the client
 * asked for before, on this channel, changes the answers afterwards.
 */
export class PathQuestions {
  readonly #rights: FileRights;
  readonly #send: Send;
  #asked: { readonly what: Asked; readonly needs: Needs } | undefined;
  /** In the order of the needs; then the question about what moves. */
  #ids: number[] = [];
  #answers = new Map<number, SftpAnswer>();

  constructor(rights: FileRights, send: Send) {
    this.#rights = rights;
    this.#send = send;
  }

  /** The target is being asked. */
  get open(): boolean {
    return this.#asked !== undefined;
  }

  ask(what: Asked, needs: Needs): void {
    this.#asked = { what, needs: needsCopy(needs) };
    this.#answers = new Map();
    const questions = needs.paths.map(
      (need) => (id: number) => encodeRealpath(id, questionOf(need) ?? need.path),
    );
    if (needs.moves) questions.push((id) => encodeLstat(id, needs.paths[0]!.path));
    this.#ids = questions.map((question) => this.#send(question));
  }

  /** `undefined` until the last answer is there. */
  settle(answer: SftpAnswer): Settled | undefined {
    const asked = this.#asked;
    if (asked === undefined || answer.kind === 'version' || !this.#ids.includes(answer.id))
      throw violation('the target answered a question that it was not asked');
    this.#answers.set(answer.id, answer);
    if (this.#answers.size < this.#ids.length) return undefined;
    this.#asked = undefined;
    return this.#judged(asked.what, asked.needs);
  }

  #judged(asked: Asked, needs: Needs): Settled {
    const answers = this.#ids.map((id) => this.#answers.get(id)!);
    const missing = answers.findIndex((answer) => answer.kind === 'status');
    if (missing >= 0)
      return { asked, verdict: this.#notThere(asked.request, needs, answers[missing]!, missing) };
    const paths = needs.paths.map((need, at) => resolvedFrom(need, answers[at]!));
    const moving = answers[needs.paths.length];
    const directory =
      moving?.kind === 'attributes' &&
      (moving.attributes.mode === undefined || isDirectory(moving.attributes));
    const known = paths.filter((path) => path !== undefined);
    const passes =
      known.length === paths.length &&
      (!needs.moves || moving?.kind === 'attributes') &&
      allowed(needs, known, directory, this.#rights);
    const [resolved] = known;
    return {
      asked,
      verdict: passes ? { kind: 'pass' } : refused(asked.request),
      ...(resolved === undefined ? {} : { resolved }),
    };
  }

  /** That nothing is there is said only to those who may look there. */
  #notThere(request: SftpRequest, needs: Needs, answer: SftpAnswer, at: number): Refusal {
    const { path } = needs.paths[at] ?? needs.paths[0]!;
    if (answer.kind !== 'status' || answer.code !== SftpStatus.noSuchFile || !mayResolve(path, this.#rights))
      return refused(request);
    return refusal(SftpStatus.noSuchFile, 'no such file or directory');
  }
}

function resolvedFrom(need: Needs['paths'][number], answer: SftpAnswer): string | undefined {
  if (answer.kind !== 'name' || answer.names.length !== 1) return undefined;
  return resolvedPath(need, answer.names[0]!.name);
}

/** The paths are views of what may be gone when the answers come. */
function needsCopy(needs: Needs): Needs {
  return { ...needs, paths: needs.paths.map((need) => ({ ...need, path: need.path.slice() })) };
}
