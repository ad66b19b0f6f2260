import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signCheckpoint } from '#core/ledger/checkpoint.ts';
import type { SessionProof } from '#core/ledger/session-proof.ts';
import { ORIGIN, type StoredSessions, storeSessions } from '#test/support/stored-sessions.ts';
import { custody, environment, type FakeApi, fakeApi, serveEvidence, temporary } from './support.ts';

let stand: StoredSessions;
let proof: SessionProof;
let id: string;

beforeAll(async () => {
  stand = await storeSessions(2);
  proof = JSON.parse(readFileSync(join(stand.evidence, 'ledger.json'), 'utf8')) as SessionProof;
  [id] = stand.sessions as [string];
});
afterAll(() => rmSync(stand.root, { recursive: true, force: true }));

/** A gateway's API with the session's evidence, without the files in `without`, and this proof. */
async function served(answer: SessionProof, ...without: readonly string[]): Promise<FakeApi> {
  const api = await fakeApi(stand.signer.pem);
  const names = readdirSync(stand.evidence).filter((name) => !/^(?:signer|ledger)/.test(name));
  const files = names.filter((name) => !without.includes(name));
  serveEvidence(api, new Map(files.map((name) => [name, readFileSync(join(stand.evidence, name))])), id);
  api.answers.set(`/v1/sessions/${id}/ledger`, answer);
  return api;
}

const noteOf = async (origin: string): Promise<string> =>
  signCheckpoint({ ...stand.checkpoint, origin }, stand.signer);

describe("the ledger's proof", () => {
  it('comes with the evidence, and holds for the ledger whose name was kept at first use', async () => {
    const [env, out] = [environment(await served(proof)), join(temporary(), 'out')];
    const pulled = await custody(['pull', id, '--out', out], { env });
    expect(pulled.stderr).toContain(`kept the name of the ledger at first use: ${ORIGIN}`);
    const { code, stdout } = await custody(['verify', out], { env });
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(`opening and end proved under a checkpoint of 4 leaves of ${ORIGIN}`),
    ]);
    const other = await custody(['verify', out, '--origin', 'other.example/ledger'], { env });
    expect(other).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`of another ledger: ${ORIGIN}, where other.example/ledger is expected`),
    });
  });

  it("is held against what the auditor says, or a laptop's name, where they say whom they trust", async () => {
    const key = ['--key', join(stand.root, 'k')];
    expect(await custody(['verify', stand.evidence, ...key])).toMatchObject({
      code: 1,
      stdout: expect.stringContaining('where custody.local/ledger is expected'),
    });
    expect(await custody(['verify', stand.evidence, ...key, '--origin', ORIGIN])).toMatchObject({ code: 0 });
  });

  it('of another ledger, though signed by the same key, is not taken', async () => {
    const env = environment(await served(proof));
    expect(await custody(['verify', id], { env })).toMatchObject({ code: 0 });
    const other = await served({ ...proof, checkpoint: await noteOf('other.example/ledger') });
    const ran = await custody(['verify', id], { env: { ...env, CUSTODY_API: other.url } });
    expect(ran).toMatchObject({ code: 2, stdout: '' });
    expect(ran.stderr).toContain('THE LEDGER OF THE GATEWAY HAS CHANGED: it is other.example/ledger');
  });

  it('that another key signed is not kept', async () => {
    // The last four characters of the signature, whichever they are.
    const forged = proof.checkpoint.replace(/[^ \n]{4}\n$/, 'AAAA\n');
    expect(forged).not.toBe(proof.checkpoint);
    const ran = await custody(['verify', id], {
      env: environment(await served({ ...proof, checkpoint: forged })),
    });
    expect(ran.code).toBe(2);
    expect(ran.stderr).not.toContain('kept the name');
  });

  it('is left out while the end of a sealed session is on its way into the ledger', async () => {
    const [opened] = proof.leaves;
    const [env, out] = [environment(await served({ ...proof, leaves: [opened!] })), join(temporary(), 'out')];
    const pulled = await custody(['pull', id, '--out', out], { env });
    expect(pulled).toMatchObject({ code: 0, stderr: expect.stringContaining('ledger.json is left out') });
    expect(readdirSync(out)).not.toContain('ledger.json');
    expect(await custody(['verify', out], { env })).toMatchObject({ code: 0 });
  });

  it('is of the opening alone where the session ended after its evidence was listed', async () => {
    const env = environment(await served(proof, 'close.json', 'close.json.sig'));
    expect(await custody(['verify', id], { env })).toMatchObject({
      code: 4,
      stdout: expect.stringMatching(/^ledger +opening proved under a checkpoint of 4 leaves/m),
    });
  });
});
