import { beforeAll, describe, expect, it } from 'vitest';
import { type AccessRequest, digestOf } from '#core/access/request.ts';
import { RUN_FILE, RUN_KEY, RUN_WORKFLOW, requestName } from '#core/tasks/run-folder.ts';
import { requestFile } from '#core/tasks/verify/request-file.ts';
import { type RunAnswer, runFiles } from '#core/tasks/verify/run-files.ts';
import { verifyRun } from '#core/tasks/verify/verify-run.ts';
import { spki } from '#test/support/evidence-builder.ts';
import { goodRun, KEY, ORIGIN, type PlayedRun, SHAPES } from '#test/support/run-evidence.ts';

let good: PlayedRun;
let answer: RunAnswer;
beforeAll(async () => {
  good = await goodRun();
  const proof = JSON.parse(Buffer.from(await good.proof(good.run)).toString()) as RunAnswer['proof'];
  const run = { ...good.run };
  answer = { run, key: KEY.toString('base64'), workflow: good.workflow.text, proof, requests: [] };
});

/** What reviewers were asked about a deviation of the run, as the API answers it. */
function requestText(): { readonly id: string; readonly text: string } {
  const id = '019acd1b-3280-7b61-8e21-0000000000aa';
  const { id: run, workflow, workflowDigest } = good.run;
  const question = {
    requester: { issuer: 'https://id.example', subject: 'dev-1' },
    target: 'orders-prod',
    rule: workflow,
    policy: 'a'.repeat(64),
    durationMs: 300_000,
    breakGlass: false,
    createdAt: '2026-11-29T09:00:01.000Z',
    pendingUntil: '2026-11-29T09:10:00.000Z',
    deviation: {
      ...{ run, workflow, workflowDigest, task: 'refund', session: good.session(1) },
      ...{ command: { sha256: 'b'.repeat(64), text: 'VACUUM' }, kind: 'not-in-contract' as const },
      ...{ expected: 'pay', seen: 'VACUUM', isAnswer: false },
    },
  };
  const request: AccessRequest = { ...question, id, digest: digestOf(question), steps: [] };
  return { id, text: Buffer.from(requestFile(request)).toString() };
}

describe("a run's files of what the API answers", () => {
  it("are the folder's, which the verifier takes", async () => {
    const folder = await good.folder();
    const files = runFiles(answer);
    expect([...files.keys()].toSorted()).toEqual(['ledger.json', RUN_FILE, RUN_KEY, RUN_WORKFLOW].toSorted());
    for (const [name, bytes] of files) folder.objects.set(name, bytes);
    const said = await verifyRun(folder, {
      trustedSigners: [spki(good.keys.signer)],
      ledger: ORIGIN,
      shapes: SHAPES,
    });
    expect([said.verdict, said.findings]).toEqual(['verified', []]);
  });

  it('have no proof where the ledger has none yet', () => {
    expect([...runFiles({ ...answer, proof: undefined }).keys()]).toEqual([RUN_FILE, RUN_KEY, RUN_WORKFLOW]);
  });

  it('have each request under the name that its own text says', () => {
    const { id, text } = requestText();
    const files = runFiles({ ...answer, requests: [text] });
    expect(Buffer.from(files.get(requestName(id))!).toString()).toBe(text);
    expect(() => runFiles({ ...answer, requests: [text, text] })).toThrow(
      `requests/${id}.json is there twice`,
    );
  });

  it.each<[what: string, changed: Partial<RunAnswer>, why: string]>([
    ['a run without its steps', { run: { id: 'x' } }, 'run.json is not as a run is written'],
    [
      'a run with an odd step',
      { run: { startedBy: {}, steps: [{ kind: 'x' }] } },
      'run.json is not as a run is written',
    ],
    ['a key that is too short', { key: 'c2hvcnQ=' }, 'run.key is no key'],
    [
      'a request that is none',
      { requests: ['{"id":"../../x"}'] },
      'a request is not as a request is written',
    ],
    ['a request that is no JSON', { requests: ['{'] }, 'a request '],
  ])('are refused whole with %s', (_, changed, why) => {
    const refused = (): unknown => runFiles({ ...answer, ...changed });
    expect(refused).toThrow(
      expect.objectContaining({ code: 'format-invalid', message: expect.stringContaining(why) as string }),
    );
  });
});
