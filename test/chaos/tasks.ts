import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { fileSigner } from '#adapters/local/file-signer.ts';
import { localLeafQueue } from '#adapters/local/ledger.ts';
import { localRunStore } from '#adapters/local/runs-store.ts';
import { readConfig } from '#core/access/config.ts';
import { durabilityModes } from '#core/recording/format.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import { newSessionId } from '#core/recording/session-id.ts';
import { sha256Hex } from '#core/recording/statements.ts';
import { resultBytes } from '#core/tasks/proof/statement.ts';
import { deriveTaskResult } from '#core/tasks/result/derive.ts';
import type { Run } from '#core/tasks/run.ts';
import { RunDesk } from '#core/tasks/run-desk.ts';
import { type Execution, executionsOf } from '#core/tasks/run-state.ts';
import { openSealed } from '#core/tasks/sealed-session.ts';
import { workflowTexts } from '#core/tasks/workflow-texts.ts';
import type { Workflow } from '#core/tasks/workflows.ts';
import { localSettler } from '#local/api/settling.ts';

/** A task for each durability, in which a client may do what chaos clients do, and as often as it comes. */
export const CHAOS_WORKFLOW = {
  tasks: Object.fromEntries(
    durabilityModes.map((mode) => [
      mode,
      {
        target: mode,
        by: [{ groups: ['developers'] }],
        runs: 300,
        contract: {
          does: [
            {
              name: 'insert',
              statement: 'insert into chaos (tag) values ($1)',
              values: { $1: { type: 'text', pattern: String.raw`[a-z-]+-r\d+-c\d+-s\d+-\d+\.` } },
              times: { min: 0, max: 100_000 },
              answers: { affected: 1 },
            },
          ],
        },
      },
    ]),
  ),
};

/** What came of the tasks of all rounds. */
export interface CheckedTasks {
  readonly runs: number;
  readonly executions: number;
  readonly kept: number;
  /** What must not be. Empty when all is well. */
  readonly wrong: readonly string[];
}

/** Runs of the stand's workflow, and at the end what is left of them. */
export class ChaosTasks {
  readonly #dataDir: string;
  readonly #workflow: Workflow;
  readonly #store;
  readonly #runs;
  readonly #leaves;
  readonly #desk: RunDesk;
  readonly #ids: string[] = [];

  static async open(dataDir: string): Promise<ChaosTasks> {
    const file = join(dataDir, 'custody.yaml');
    const config = await readConfig(readFileSync(file, 'utf8'), file);
    return new ChaosTasks(dataDir, config.compiled.get('chaos')!);
  }

  private constructor(dataDir: string, workflow: Workflow) {
    this.#dataDir = dataDir;
    this.#workflow = workflow;
    this.#store = directoryStore(join(dataDir, 'store'));
    this.#runs = localRunStore(dataDir);
    this.#leaves = localLeafQueue(dataDir);
    this.#desk = new RunDesk({
      runs: this.#runs,
      texts: workflowTexts(this.#store),
      leaves: this.#leaves,
      stream: { tell: async () => undefined },
      now: () => new Date(),
      newId: (now) => newSessionId(now.getTime(), randomBytes(10)),
      newKey: () => randomBytes(32),
    });
  }

  /** A new run. Returns its id. */
  async start(): Promise<string> {
    const by = { issuer: 'https://id.example', subject: 'chaos' };
    const { id } = await this.#desk.start(this.#workflow, { by, policy: 'a'.repeat(64) });
    this.#ids.push(id);
    return id;
  }

  /** Nothing lives any more: everything is settled, and looked at. `sessions`: all that the index has. */
  async check(sessions: readonly { readonly id: string }[]): Promise<CheckedTasks> {
    const { failures } = await this.#settle();
    await this.#desk.tellAll();
    const wrong = failures.map(({ session, error }) => `${session}: ${error.message}`);
    const indexed = sessions.map(({ id }) => id);
    const seen = new Set<string>();
    let kept = 0;
    for (const id of this.#ids) {
      const run = await this.#runs.get(id);
      for (const execution of executionsOf(run)) {
        const { session, ended } = execution;
        if (seen.has(session)) wrong.push(`${session} is two executions`);
        seen.add(session);
        const times = indexed.filter((one) => one === session).length;
        if (times !== 1) wrong.push(`${session} is an execution, and ${times} sessions`);
        if (ended === undefined) wrong.push(`${session} has no result`);
        if (ended?.verdict === 'kept') kept += 1;
        wrong.push(...(await this.#derivedAgain(run, execution)));
      }
    }
    return { runs: this.#ids.length, executions: seen.size, kept, wrong };
  }

  close(): void {
    this.#runs.close();
    this.#leaves.close();
  }

  #settle() {
    return localSettler({
      runs: this.#runs,
      desk: this.#desk,
      store: this.#store,
      signer: fileSigner(this.#dataDir),
      texts: workflowTexts(this.#store),
      now: () => new Date(),
    }).settleAll();
  }

  async #derivedAgain(run: Run, { session, ended }: Execution): Promise<string[]> {
    const names = await this.#store.list(sessionPrefix(session));
    const sealed = await openSealed(session, names, this.#store, await fileSigner(this.#dataDir).publicKey());
    const key = await this.#runs.keyOf(run.id);
    const earlier = async (): Promise<undefined> => undefined;
    const { result } = await deriveTaskResult({ ...sealed, workflow: this.#workflow, run, key, earlier });
    // No client leaves the contract: what was cut off by a fault alone is no execution that kept it.
    const kinds = result.deviations.filter(({ kind }) => kind !== 'error').map(({ kind }) => kind);
    const isSame = sha256Hex(resultBytes(result)) === ended?.result;
    return [
      ...(isSame ? [] : [`${session} has another result than is derived of it`]),
      ...kinds.map((kind) => `${session} deviated: ${kind}`),
    ];
  }
}
