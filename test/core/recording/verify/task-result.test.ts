import { sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Signer } from '#core/recording/ports.ts';
import { signResult } from '#core/tasks/proof/statement.ts';
import type { TaskResult } from '#core/tasks/result/result.ts';
import {
  buildEvidence,
  type Files,
  makeSigner,
  SESSION,
  sha256,
  spki,
  threeSegments,
} from '#test/support/evidence-builder.ts';
import { check, codes, good, keys } from '#test/support/evidence-checks.ts';
import { RUN, taskResult } from '#test/support/task-result.ts';

const signerOf = (key = keys.signer): Signer => ({
  sign: async (message) => sign('sha256', message, key),
  publicKey: async () => spki(key),
});
const task = { run: RUN, workflow: 'refunds', digest: 'c'.repeat(64), name: 'refund' };

/** Evidence of a session that was a task, with its result. */
async function withResult(changed: Partial<TaskResult> = {}, signer = signerOf()): Promise<Files> {
  const files = buildEvidence(keys, threeSegments(), { open: { task } });
  const [open, close] = [sha256(files.get('open.json')!), sha256(files.get('close.json')!)];
  const result = taskResult({ session: SESSION, evidence: { open, close }, ...changed });
  return files.set('task.json', (await signResult(result, signer)).bytes);
}

describe("a task's result in an evidence folder", () => {
  it('is no part of it that speaks against it', async () => {
    expect(await check(await withResult())).toMatchObject({ verdict: 'verified', findings: [] });
  });

  it('does not belong where the session is no task', async () => {
    const files = good().set('task.json', (await withResult()).get('task.json')!);
    expect(codes(await check(files))).toEqual(['object-unlisted task.json']);
  });

  it.each<[string, Partial<TaskResult>]>([
    ['another session', { session: RUN }],
    ['another run', { run: SESSION }],
    ['another task', { task: 'find' }],
    ['another contract', { workflow: { name: 'refunds', digest: 'd'.repeat(64) } }],
    ['another opening', { evidence: { open: '0'.repeat(64), close: '0'.repeat(64) } }],
  ])('is found where it is of %s', async (_, changed) => {
    expect(codes(await check(await withResult(changed)))).toEqual(['task-result-mismatch task.json']);
  });

  it('is found where another key signed it, and where it is none', async () => {
    const forged = await withResult({}, signerOf(makeSigner()));
    expect(codes(await check(forged))).toEqual(['task-result-invalid task.json']);
    const files = (await withResult()).set('task.json', Buffer.from('{}'));
    expect(codes(await check(files))).toEqual(['task-result-invalid task.json']);
  });
});
