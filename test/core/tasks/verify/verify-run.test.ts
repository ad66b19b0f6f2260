import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { type AccessRequest, digestOf } from '#core/access/request.ts';
import { objectKey } from '#core/recording/layout.ts';
import { openResult, signResult } from '#core/tasks/proof/statement.ts';
import type { TaskResult } from '#core/tasks/result/result.ts';
import type { Run } from '#core/tasks/run.ts';
import { requestName, runFile } from '#core/tasks/run-folder.ts';
import { requestFile } from '#core/tasks/verify/request-file.ts';
import { type RunVerifyReport, verifyRun } from '#core/tasks/verify/verify-run.ts';
import { server } from '#test/core/replay/support.ts';
import { makeKeys, sha256, spki } from '#test/support/evidence-builder.ts';
import type { MemoryStore } from '#test/support/memory-ports.ts';
import {
  asked,
  goodRun,
  LIST,
  note,
  ORIGIN,
  PAY,
  PlayedRun,
  SHAPES,
  signerOf,
  TOTAL,
  workflow,
} from '#test/support/run-evidence.ts';

const shapes = SHAPES;
let good: PlayedRun;
beforeAll(async () => {
  good = await goodRun();
});

function verify(folder: MemoryStore, { keys } = good, more: { run?: string } = {}): Promise<RunVerifyReport> {
  return verifyRun(folder, { trustedSigners: [spki(keys.signer)], ledger: ORIGIN, shapes, ...more });
}

/** What is found in the good run's folder after something in it was changed. */
async function codesOf(change: (files: Map<string, Uint8Array>) => unknown): Promise<string[]> {
  const folder = await good.folder();
  await change(folder.objects);
  return codes(await verify(folder));
}

function codes({ findings }: RunVerifyReport): string[] {
  return [...new Set(findings.map(({ code }) => code))];
}

/** The good run with its steps changed, in run.json alone. */
function rewritten(change: (run: Run) => Partial<Run>): (files: Map<string, Uint8Array>) => void {
  return (files) => void files.set('run.json', runFile({ ...good.run, ...change(good.run) }));
}

const [find, refund, report] = [0, 1, 2] as const;
const sessionOf = (n: 0 | 1 | 2): string => good.session(n);
const fileOf = (n: 0 | 1 | 2, name: string): string => objectKey(sessionOf(n), name);

describe("a run's folder", () => {
  it('is verified as it is, and says what came of the run', async () => {
    const said = await verify(await good.folder());
    expect(said.findings).toEqual([]);
    expect(said).toMatchObject({
      verdict: 'verified',
      facts: { state: 'done', untold: [], ledger: { leaves: 7 } },
    });
    expect(said.facts!.executions.map(({ task, verdict, lineage }) => [task, verdict, lineage])).toEqual([
      ['find', 'kept', { values: 0, found: 0 }],
      ['refund', 'kept', { values: 2, found: 2 }],
      ['report', 'kept', { values: 0, found: 0 }],
    ]);
  });

  it('is unanchored where nobody said whom to trust, or which ledger', async () => {
    const folder = await good.folder();
    expect(await verifyRun(folder, { trustedSigners: [], ledger: ORIGIN, shapes })).toMatchObject({
      verdict: 'unanchored',
    });
    const trustedSigners = [spki(good.keys.signer)];
    const unnamed = await verifyRun(folder, { trustedSigners, shapes });
    expect([unnamed.verdict, codes(unnamed)]).toEqual(['unanchored', ['ledger-unanchored']]);
  });

  it('of a run whose last result is not there yet is incomplete', async () => {
    const { run } = good;
    const folder = await good.folder({ ...run, steps: run.steps.slice(0, -1) });
    folder.objects.set('run.json', runFile({ ...run, steps: run.steps.slice(0, -1) }));
    folder.objects.delete(fileOf(report, 'task.json'));
    const said = await verify(folder);
    expect([said.verdict, codes(said)]).toEqual(['incomplete', ['result-pending']]);
  });

  it('of a run whose last steps are not in the ledger yet is incomplete: nothing is wrong, and nothing is proved', async () => {
    const { run } = good;
    const young = { ...run, steps: run.steps.slice(0, -2) };
    const said = await verify(await good.folder(young));
    expect([said.verdict, codes(said)]).toEqual(['incomplete', ['step-pending']]);
    expect(said.findings).toHaveLength(2);
    const ended = { at: good.at(), kind: 'ended', by: run.startedBy } as const;
    const folder = await good.folder();
    folder.objects.set('run.json', runFile({ ...run, steps: [...run.steps, ended] }));
    expect((await verify(folder)).verdict).toBe('incomplete');
    // The first of its steps has to be there: a proof of nothing of it is no proof.
    folder.objects.set('run.json', runFile({ ...run, steps: [ended, ...run.steps] }));
    expect((await verify(folder)).verdict).toBe('failed');
  });

  it('is not that of another run that was asked for', async () => {
    expect(codes(await verify(await good.folder(), good, { run: sessionOf(find) }))).toEqual(['run-other']);
  });

  it('tells that a task left its contract, and is verified all the same', async () => {
    const played = new PlayedRun(await workflow());
    await played.play('find', LIST(7));
    const seen = {
      kind: 'origin',
      command: 'pay',
      expected: 'a value from find.returned.id',
      seen: '$1 of pay is another',
    };
    const between = [
      {
        at: played.at(),
        kind: 'deviated',
        task: 'refund',
        session: played.session(1),
        deviation: 'origin',
        how: 'recorded',
      },
    ] as const;
    await played.play('refund', [note({ ...seen, kind: 'origin', how: 'recorded' }), ...PAY(8)], { between });
    const said = await verify(await played.folder(), played);
    expect(said.findings).toEqual([]);
    expect(said.facts).toMatchObject({
      state: 'running',
      executions: [{ verdict: 'kept' }, { verdict: 'deviated', lineage: { values: 1, found: 0 } }],
    });
  });
});

describe('what somebody without the keys does to a folder is found:', () => {
  it('an altered result', async () => {
    const changed = async (files: Map<string, Uint8Array>): Promise<void> => {
      const name = fileOf(refund, 'task.json');
      const envelope = JSON.parse(Buffer.from(files.get(name)!).toString());
      const text = Buffer.from(envelope.payload, 'base64').toString().replace('"found":2', '"found":1');
      files.set(
        name,
        Buffer.from(JSON.stringify({ ...envelope, payload: Buffer.from(text).toString('base64') })),
      );
    };
    expect(await codesOf(changed)).toEqual(['session-failed', 'result-invalid']);
  });

  it('a result that another key signed', async () => {
    const changed = async (files: Map<string, Uint8Array>): Promise<void> => {
      const { result } = openResult(files.get(fileOf(find, 'task.json'))!, spki(good.keys.signer));
      files.set(fileOf(find, 'task.json'), (await signResult(result, signerOf(makeKeys()))).bytes);
    };
    expect(await codesOf(changed)).toContain('result-invalid');
  });

  it('a session of another run, beside the others or in the place of one', async () => {
    const other = await goodRun(good.workflow, good.keys, 2);
    const added = (files: Map<string, Uint8Array>): void => {
      for (const [name, bytes] of other.files) if (name.includes(other.session(0))) files.set(name, bytes);
    };
    expect(await codesOf(added)).toEqual(['session-unlisted']);
    const swapped = (files: Map<string, Uint8Array>): void => {
      for (const [name, bytes] of other.files)
        files.set(name.replace(other.session(0), sessionOf(find)), bytes);
    };
    expect(await codesOf(swapped)).toEqual(
      expect.arrayContaining(['session-failed', 'session-of-another-run']),
    );
  });

  it("another run's session that the steps name, though the ledger does not", async () => {
    const other = await goodRun(good.workflow, good.keys, 2);
    const changed = (files: Map<string, Uint8Array>): void => {
      for (const [name, bytes] of other.files) if (name.includes(other.session(2))) files.set(name, bytes);
      const steps = good.run.steps.map((step) =>
        'session' in step && step.session === sessionOf(report)
          ? { ...step, session: other.session(2) }
          : step,
      );
      files.set('run.json', runFile({ ...good.run, steps }));
    };
    expect(await codesOf(changed)).toEqual(
      expect.arrayContaining(['step-unproved', 'step-removed', 'session-of-another-run', 'session-unlisted']),
    );
  });

  it('a removed session, with and without its steps', async () => {
    const remove = (files: Map<string, Uint8Array>): void => {
      for (const name of files.keys()) if (name.includes(sessionOf(report))) files.delete(name);
    };
    expect(await codesOf(remove)).toEqual(['session-missing']);
    const forget = (files: Map<string, Uint8Array>): void => {
      remove(files);
      rewritten(({ steps }) => ({ steps: steps.slice(0, 4) }))(files);
    };
    expect(await codesOf(forget)).toEqual(['step-removed']);
  });

  it('steps that the ledger does not have, and steps in another order', async () => {
    const ended = { at: good.at(), kind: 'ended', by: good.run.startedBy } as const;
    const between = rewritten(({ steps }) => ({ steps: [...steps.slice(0, 2), ended, ...steps.slice(2)] }));
    expect(await codesOf(between)).toEqual(expect.arrayContaining(['step-unproved', 'step-removed']));
    const turned = rewritten(({ steps }) => ({ steps: [...steps.slice(2), ...steps.slice(0, 2)] }));
    expect(await codesOf(turned)).toEqual(
      expect.arrayContaining(['began-too-early', 'step-unproved', 'step-removed']),
    );
  });

  it('another beginning: inputs, who started it, or when', async () => {
    const before = rewritten(() => ({ startedBy: { issuer: 'https://id.example', subject: 'somebody' } }));
    expect(await codesOf(before)).toEqual(
      expect.arrayContaining(['step-unproved', 'step-removed', 'result-differs']),
    );
  });

  it('a changed text of the workflow, also with its digest', async () => {
    const text = good.workflow.text.replace('"max":10', '"max":99');
    expect(text).not.toBe(good.workflow.text);
    expect(await codesOf((files) => files.set('workflow.json', Buffer.from(text)))).toEqual([
      'workflow-mismatch',
    ]);
    const both = (files: Map<string, Uint8Array>): void => {
      files.set('workflow.json', Buffer.from(text));
      rewritten(() => ({ workflowDigest: sha256(Buffer.from(text)) }))(files);
    };
    expect(await codesOf(both)).toEqual(
      expect.arrayContaining(['step-unproved', 'session-of-another-contract']),
    );
  });

  it('a wrong key, and no key', async () => {
    const wrong = Buffer.from(`${'0'.repeat(64)}\n`);
    expect(await codesOf((files) => files.set('run.key', wrong))).toEqual(['key-mismatch']);
    expect(await codesOf((files) => files.delete('run.key'))).toEqual(['key-missing']);
  });

  it('a removed deviation of the run', async () => {
    const played = new PlayedRun(await workflow());
    const session = played.session(0);
    const between = [
      {
        at: played.at(),
        kind: 'deviated',
        task: 'find',
        session,
        deviation: 'not-in-contract',
        how: 'recorded',
      },
    ] as const;
    await played.play('find', [...LIST(7), ...asked('SELECT 1', [server.tag('SELECT 1')])], { between });
    const folder = await played.folder();
    expect(codes(await verify(folder, played))).toEqual([]);
    const steps = played.run.steps.filter(({ kind }) => kind !== 'deviated');
    folder.objects.set('run.json', runFile({ ...played.run, steps }));
    expect(codes(await verify(folder, played))).toEqual(['step-unproved', 'step-removed']);
  });

  it("no proof, and a proof of another run's", async () => {
    expect(await codesOf((files) => files.delete('ledger.json'))).toEqual(['ledger-missing']);
    const other = await goodRun(good.workflow, good.keys, 2);
    const proof = await other.proof(other.run);
    expect(await codesOf((files) => files.set('ledger.json', proof))).toEqual([
      'step-unproved',
      'step-removed',
    ]);
    const stranger = await (await goodRun(good.workflow, makeKeys())).proof(good.run);
    expect(await codesOf((files) => files.set('ledger.json', stranger))).toEqual(['ledger-proof-invalid']);
  });

  it('what does not belong there', async () => {
    expect(await codesOf((files) => files.set('notes.txt', Buffer.from('x')))).toEqual(['object-unlisted']);
    const id = '019acd1b-3280-7b61-8e21-0000000000aa';
    expect(await codesOf((files) => files.set(requestName(id), Buffer.from('{}')))).toEqual([
      'object-unlisted',
    ]);
  });

  it.each(['run.json', 'workflow.json', 'ledger.json', 'run.key'])(
    'bytes of %s that are none of it',
    async (name) => {
      for (const bytes of ['', '{', '{}', 'null', '[]', '{"a":1,"a":1}'])
        expect(await codesOf((files) => files.set(name, Buffer.from(bytes)))).not.toEqual([]);
    },
  );
});

describe('what a signer who lies signs is found, as anyone derives it again:', () => {
  /** A run whose second result says something else than its evidence. */
  async function lying(claims: (result: TaskResult) => TaskResult): Promise<RunVerifyReport> {
    const played = new PlayedRun(good.workflow, good.keys, 3);
    await played.play('find', LIST(7, 12));
    await played.play('refund', PAY(7), { claims });
    return verify(await played.folder());
  }

  it('an output that is not in the recording', async () => {
    const played = new PlayedRun(good.workflow, good.keys, 3);
    await played.play('find', LIST(7), {
      claims: (result) => ({
        ...result,
        outputs: result.outputs.map((one) => ({ ...one, digest: '0'.repeat(64) })),
      }),
    });
    const said = await verify(await played.folder());
    expect(said.findings).toMatchObject([
      { code: 'result-differs', message: expect.stringContaining('other outputs than the evidence') },
    ]);
  });

  it('an output of another run', async () => {
    const other = new PlayedRun(good.workflow, good.keys, 2);
    await other.play('find', LIST(7, 12, 99));
    const played = new PlayedRun(good.workflow, good.keys, 3);
    await played.play('find', LIST(7), {
      claims: (result) => ({ ...result, outputs: other.results[0]!.outputs }),
    });
    expect(codes(await verify(await played.folder()))).toEqual(['result-differs']);
  });

  it.each<[string, (result: TaskResult) => Partial<TaskResult>]>([
    ['lineage', ({ lineage }) => ({ lineage: lineage.map((one) => ({ ...one, values: 9, found: 9 })) })],
    ['commands', () => ({ commands: [] })],
    ['operator', ({ operator }) => ({ operator: { ...operator, subject: 'somebody' } })],
    ['beginning', () => ({ beginning: '0'.repeat(64) })],
  ])('another %s', async (_, change) => {
    expect(codes(await lying((result) => ({ ...result, ...change(result) })))).toContain('result-differs');
  });

  it('a deviation that its result leaves out, and a verdict that is not its own', async () => {
    const played = new PlayedRun(good.workflow, good.keys, 3);
    await played.play('find', [...LIST(7), ...asked('DELETE FROM orders', [server.tag('DELETE 9')])], {
      claims: (result) => ({ ...result, deviations: [], verdict: 'kept' }),
    });
    const said = await verify(await played.folder());
    expect(said.findings).toMatchObject([
      { code: 'result-differs', message: expect.stringContaining('verdict, deviations') },
    ]);
  });

  it('a task that ran under another contract', async () => {
    const played = new PlayedRun(good.workflow, good.keys, 3);
    const task = { run: played.run.id, workflow: 'refunds', digest: '0'.repeat(64), name: 'find' };
    const other = new PlayedRun(await workflow(undefined, 'stop'), good.keys, 3);
    await other.play('find', LIST(7));
    expect(other.workflow.digest).not.toBe(played.workflow.digest);
    played.add(...other.run.steps);
    for (const [name, bytes] of other.files) played.files.set(name, bytes);
    const said = await verify(await played.folder());
    expect(codes(said)).toContain('session-of-another-contract');
    expect(task.digest).not.toBe(good.workflow.digest);
  });
});

describe('what a gateway should not have let happen is found:', () => {
  async function playedCodes(
    play: (played: PlayedRun) => Promise<unknown>,
    of = good.workflow,
  ): Promise<string[]> {
    const played = new PlayedRun(of, good.keys, 4);
    await play(played);
    return codes(await verify(await played.folder()));
  }

  it('a task before the one that it comes after', async () => {
    expect(await playedCodes((played) => played.play('report', TOTAL))).toEqual(['began-too-early']);
  });

  it('a task more often than it may run', async () => {
    const twice = async (played: PlayedRun): Promise<void> => {
      await played.play('find', LIST(7));
      await played.play('find', LIST(7));
    };
    expect(await playedCodes(twice)).toEqual(['ran-too-often']);
  });

  it('an operator whom the task is not for', async () => {
    const principal = { issuer: 'https://id.example', subject: 'eve', groups: ['guests'], groupsOmitted: 0 };
    expect(await playedCodes((played) => played.play('find', LIST(7), { open: { principal } }))).toEqual([
      'operator-unfit',
    ]);
  });

  it('says that it cannot tell where the statement leaves groups out', async () => {
    const principal = { issuer: 'https://id.example', subject: 'eve', groups: [], groupsOmitted: 3 };
    const played = new PlayedRun(good.workflow, good.keys, 4);
    await played.play('find', LIST(7), { open: { principal } });
    const said = await verify(await played.folder());
    expect(said).toMatchObject({
      findings: [],
      facts: { untold: [expect.stringContaining('whether eve is one of those')] },
    });
  });

  it('another target than that of the task', async () => {
    const target = { name: 'orders-test', protocol: 'postgres', address: '127.0.0.1:5433' };
    expect(await playedCodes((played) => played.play('find', LIST(7), { open: { target } }))).toEqual([
      'session-of-another-target',
    ]);
  });
});

describe('an approval of a deviation', () => {
  const ASK = '{ ask: { reviewers: { any: [leads] } } }';
  const words = { expected: 'in pay a fixed value at place 1', seen: 'another value stands there' };
  const seen = { kind: 'value', ...words } as const;
  const id = '019acd1b-4000-7b61-8e21-0000000000aa';
  const sql = 'UPDATE orders SET refunded = false WHERE id = 7';

  function requestOf(
    played: PlayedRun,
    session: string,
    changed: Partial<AccessRequest['deviation']> = {},
  ): AccessRequest {
    const command = { text: sql, sha256: createHash('sha256').update(sql).digest('hex') };
    const of = {
      run: played.run.id,
      workflow: 'refunds',
      workflowDigest: played.workflow.digest,
      task: 'refund',
      session,
    };
    const question = {
      requester: { issuer: 'https://id.example', subject: 'dev-1', email: 'dana@example.com' },
      target: 'orders-prod',
      rule: 'refunds',
      policy: 'a'.repeat(64),
      durationMs: 300_000,
      breakGlass: false,
      createdAt: played.at(),
      pendingUntil: '2026-11-29T09:10:00.000Z',
      deviation: { ...of, command, of: 'pay', ...seen, isAnswer: false, ...changed },
    };
    const at = played.at();
    const by = { issuer: 'https://id.example', subject: 'lead-1' };
    const steps: AccessRequest['steps'] = [
      { kind: 'approved', at, by, groups: ['leads'] },
      { kind: 'granted', at, until: '2026-11-29T09:10:00.000Z' },
      { kind: 'used', at, session },
    ];
    return { ...question, id, digest: digestOf(question), steps };
  }

  /** A run in which something that the contract does not have went on, as this note says it was approved. */
  async function approvedRun(changed?: Partial<AccessRequest['deviation']>): Promise<PlayedRun> {
    const played = new PlayedRun(await workflow(undefined, ASK), good.keys, 5);
    await played.play('find', LIST(7));
    const session = played.session(1);
    const between = [
      { at: played.at(), kind: 'deviated', task: 'refund', session, deviation: seen.kind, how: 'asked' },
    ] as const;
    const said = [
      note({ ...seen, command: 'pay', how: 'approved', request: id }),
      ...asked(sql, [server.tag('UPDATE 1')]),
      ...PAY(7),
    ];
    await played.play('refund', said, { between, requests: [requestOf(played, session, changed)] });
    return played;
  }

  it('is verified with it', async () => {
    const played = await approvedRun();
    expect(played.results[1]!.deviations).toMatchObject([{ how: 'approved', request: id }]);
    const said = await verify(await played.folder());
    expect(said.findings).toEqual([]);
    expect(said.facts!.ledger!.leaves).toBe(10);
  });

  it('that is not there is found: in the folder, in the ledger, or among its steps', async () => {
    const played = await approvedRun();
    const folder = await played.folder();
    folder.objects.delete(requestName(id));
    expect(codes(await verify(folder))).toEqual(['approval-missing']);
    expect(codes(await verify(await played.folder(played.run, [])))).toEqual(['approval-missing']);
    const unapproved = await played.folder();
    const [request] = played.requests;
    unapproved.objects.set(requestName(id), requestFile({ ...request!, steps: request!.steps.slice(1) }));
    expect(codes(await verify(unapproved))).toEqual(['approval-missing']);
  });

  it('of another deviation, or another session, is none', async () => {
    for (const changed of [
      { seen: 'something harmless' },
      { session: good.session(0) },
      { task: 'report' },
    ]) {
      const played = await approvedRun(changed);
      expect(codes(await verify(await played.folder()))).toEqual(['approval-mismatch']);
    }
  });
});
