import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { runProofSchema } from '#core/ledger/run-proof.ts';
import { sessionPrefix } from '#core/recording/layout.ts';
import { runFiles } from '#core/tasks/verify/run-files.ts';
import { type Api, getJson } from '../api.ts';
import { type Cli, say } from '../cli.ts';
import { connectApi } from '../connect-api.ts';
import { refuseFilled } from '../evidence/empty-folder.ts';
import { fetchEvidence } from '../evidence/source.ts';
import { checkLedger } from '../ledger-pin.ts';
import { checkSigner } from '../signer-pin.ts';
import { knownRun } from './known-run.ts';

const evidenceSchema = z.object({
  run: z.looseObject({ id: z.string() }),
  key: z.base64(),
  workflow: z.string(),
  sessions: z.array(z.object({ session: z.uuidv7().lowercase(), task: z.string() })),
  proof: runProofSchema.optional(),
  requests: z.array(z.string()).default([]),
});

/** A run's folder, fetched whole or not at all. Returns its id. */
export async function pullRun(cli: Cli, called: string, out: string): Promise<string> {
  const folder = resolve(out);
  await refuseFilled(folder);
  await mkdir(dirname(folder), { recursive: true });
  const draft = await mkdtemp(join(dirname(folder), `.${basename(folder)}-`));
  try {
    const run = await fetchRun(cli, called, draft);
    await rename(draft, folder);
    return run;
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
}

/** Hands `work` a run's folder that only the owner may enter and that is gone when it is done. */
export async function withRun(
  cli: Cli,
  called: string,
  work: (folder: string, run: string) => Promise<void>,
): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'custody-'));
  try {
    await work(folder, await fetchRun(cli, called, folder));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function fetchRun(cli: Cli, called: string, folder: string): Promise<string> {
  const api = await connectApi(cli);
  const { id } = await knownRun(api, called);
  const { sessions, ...answer } = await getRunEvidence(api, id);
  const files = runFiles(answer);
  if (answer.proof === undefined)
    say(cli, 'note: the run is not in the ledger yet: ledger.json is left out; it is there in a minute');
  else checkLedger(cli, answer.proof.checkpoint, await checkSigner(cli, { base: api.base }));
  for (const [name, bytes] of files) await put(join(folder, name), bytes);
  for (const { session } of sessions) {
    const into = join(folder, sessionPrefix(session));
    await mkdir(into, { recursive: true });
    await fetchEvidence(cli, { id: session, purpose: 'export' }, into);
  }
  return id;
}

function getRunEvidence(api: Api, id: string): Promise<z.infer<typeof evidenceSchema>> {
  return getJson(api, `/v1/runs/${encodeURIComponent(id)}/evidence`, evidenceSchema);
}

async function put(path: string, bytes: Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes, { flag: 'wx', mode: 0o600 });
}
