/** A run at the gateway, as the folder that `custody run export` writes: its files at once, its sessions' objects as they are asked for. */
import { CustodyError } from '#core/errors.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import { runFiles } from '#core/tasks/verify/run-files.ts';
import type { RunFolder } from '#core/tasks/verify/verify-run.ts';
import type { Api } from '../api/client.ts';
import type { RunEvidence } from '../api/runs.ts';
import { askProof } from './ask-proof.ts';
import { EvidenceLinks } from './evidence-links.ts';
import type { Offered } from './offered.ts';
import type { Pace } from './pace.ts';
import { RemoteEvidence } from './remote-evidence.ts';

interface Asked {
  readonly api: Api;
  readonly run: string;
  readonly offered: Offered;
  readonly pace: Pace;
}

export class RemoteRun implements RunFolder {
  readonly #files: ReadonlyMap<string, Uint8Array>;
  readonly #sessions: ReadonlyMap<string, RemoteEvidence>;
  readonly #pace: Pace;

  private constructor(
    files: ReadonlyMap<string, Uint8Array>,
    sessions: ReadonlyMap<string, RemoteEvidence>,
    pace: Pace,
  ) {
    this.#files = files;
    this.#sessions = sessions;
    this.#pace = pace;
  }

  /** Rejects where not all of it may be had. That evidence is taken out is entered in the ledger, as the command line's is. */
  static async ask({ api, run, offered, pace }: Asked): Promise<RemoteRun> {
    const { signal } = pace;
    const found = await api.get<RunEvidence>(`/v1/runs/${encodeURIComponent(run)}/evidence`, {}, signal);
    const sessions = new Map<string, RemoteEvidence>();
    for (const { session } of found.sessions)
      sessions.set(session, await sessionEvidence(session, { api, offered, pace }));
    return new RemoteRun(runFiles(found), sessions, pace);
  }

  /** Bytes of the sessions' evidence that came so far, and all there are. */
  get progress(): { readonly bytes: number; readonly of: number } {
    let [bytes, of] = [0, 0];
    for (const { progress } of this.#sessions.values()) {
      bytes += Math.min(progress.bytes, progress.of);
      of += progress.of;
    }
    return { bytes, of };
  }

  /** Throws what kept an object from being fetched: no verdict is one without it. */
  throwFailure(): void {
    for (const session of this.#sessions.values()) session.throwFailure();
  }

  async list(prefix: string): Promise<readonly string[]> {
    const session = this.#sessionOf(prefix);
    if (session !== undefined) return (await session.evidence.list()).toSorted();
    const names = [...this.#files.keys(), ...[...this.#sessions.keys()].map(sessionPrefix)];
    const within = names.filter((name) => name.startsWith(prefix));
    return [...new Set(within.map((name) => name.slice(prefix.length).split('/', 1)[0]!))].toSorted();
  }

  async get(name: string, atMost = Number.MAX_SAFE_INTEGER): Promise<Uint8Array> {
    await this.#pace.turn();
    const file = this.#files.get(name);
    if (file !== undefined) return file;
    const session = this.#sessionOf(name);
    if (session === undefined || !(await session.evidence.list()).includes(session.rest))
      throw new CustodyError('not-found', `there is no ${name}`);
    return session.evidence.get(session.rest, atMost);
  }

  #sessionOf(name: string): { readonly evidence: RemoteEvidence; readonly rest: string } | undefined {
    for (const [id, evidence] of this.#sessions) {
      const prefix = sessionPrefix(id);
      if (name.startsWith(prefix)) return { evidence, rest: name.slice(prefix.length) };
    }
    return undefined;
  }
}

async function sessionEvidence(
  session: string,
  { api, offered: { pem }, pace: { signal } }: Omit<Asked, 'run'>,
): Promise<RemoteEvidence> {
  const links = await EvidenceLinks.ask(api, { session, purpose: 'export' }, location.origin, signal);
  return new RemoteEvidence({ links, pem, proof: await askProof(api, session, signal), signal });
}
