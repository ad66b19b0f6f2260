import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { directoryStore } from '#adapters/local/directory-store.ts';
import { type Checkpoint, openCheckpoint } from '#core/ledger/checkpoint.ts';
import { exportLedger } from '#core/ledger/export.ts';
import { tileKey } from '#core/ledger/layout.ts';
import { consistencyHolds, inclusionHolds, leafHash } from '#core/ledger/merkle.ts';
import { Sequencer } from '#core/ledger/sequencer.ts';
import { TileTree } from '#core/ledger/tree.ts';
import { MemoryHead, MemoryQueue } from '#test/support/memory-ledger.ts';
import { MemoryStore, memorySigner } from '#test/support/memory-ports.ts';

const ORIGIN = 'custody.example/ledger';
const SOURCE = fileURLToPath(new URL('./ledger-go', import.meta.url));

/** `go`, on the PATH or where its own installer puts it. */
function findGo(): string | undefined {
  for (const go of ['go', '/usr/local/go/bin/go', '/usr/lib/go/bin/go']) {
    try {
      execFileSync(go, ['version'], { stdio: 'ignore' });
      return go;
    } catch {
      // Looked for elsewhere.
    }
  }
  if (process.env['CUSTODY_REQUIRE_CLIENTS']) throw new Error('go is not installed');
  process.stderr.write(
    'LEFT OUT: interop with golang.org/x/mod/sumdb, as Go is not installed on this machine\n',
  );
  return undefined;
}

const go = findGo();

interface Proofs {
  readonly inclusion: readonly { readonly index: number; readonly proof: readonly string[] }[];
  readonly consistency: readonly {
    readonly oldSize: number;
    readonly oldRoot: string;
    readonly proof: readonly string[];
  }[];
}

describe.skipIf(go === undefined)('the ledger and golang.org/x/mod/sumdb', () => {
  const folder = mkdtempSync(join(tmpdir(), 'custody-interop-'));
  const program = join(folder, 'ledger-interop');
  const exported = join(folder, 'exported');
  const signer = memorySigner();
  const store = new MemoryStore();
  const entries: Buffer[] = [];
  let older: Checkpoint[];
  let checkpoint: Checkpoint;

  const fetch = (path: string): Promise<Uint8Array> => store.get(tileKey(path));
  const base64 = (hashes: readonly Buffer[]): string[] => hashes.map((hash) => hash.toString('base64'));

  beforeAll(async () => {
    execFileSync(go!, ['build', '-o', program, '.'], {
      cwd: SOURCE,
      env: { ...process.env, GOTOOLCHAIN: 'local', CGO_ENABLED: '0' },
    });
    const [head, queue] = [new MemoryHead(), new MemoryQueue()];
    const sequencer = new Sequencer({ objects: store, head, queue, signer }, ORIGIN);
    for (const size of [1, 2, 7, 255, 256, 300, 513, 700]) {
      for (let n = entries.length; n < size; n += 1) {
        entries.push(Buffer.from(JSON.stringify({ type: 'custody/leaf/1', kind: 'test', n })));
        await queue.add(entries[n]!);
      }
      await sequencer.step();
    }
    const checkpoints = head.history.map((note) => openCheckpoint(note, ORIGIN, signer.der));
    checkpoint = checkpoints.at(-1)!;
    older = checkpoints.slice(0, -1);
    await exportLedger(head.history.at(-1)!, checkpoint, fetch, directoryStore(exported));
    writeFileSync(join(folder, 'signer.pem'), signer.pem);
    writeFileSync(join(folder, 'proofs.json'), JSON.stringify(await ourProofs()));
  }, 240_000);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function ourProofs(): Promise<Proofs> {
    const tree = new TileTree(checkpoint.size, fetch);
    const inclusion = [];
    for (let index = 0; index < checkpoint.size; index += 1)
      inclusion.push({ index, proof: base64(await tree.inclusionProof(index)) });
    const consistency = [];
    for (const { size, root } of older) {
      const proof = base64(await tree.consistencyProof(size));
      consistency.push({ oldSize: size, oldRoot: root.toString('base64'), proof });
    }
    return { inclusion, consistency };
  }

  const run = (from: string, key = join(folder, 'signer.pem'), proofs = join(folder, 'proofs.json')) =>
    promisify(execFile)(program, [from, key, ORIGIN, proofs], { maxBuffer: 64 << 20 });

  it('Go verifies our checkpoint, tiles, entries and proofs, and we verify the proofs that Go makes', async () => {
    const { stdout } = await run(exported);
    const result = JSON.parse(stdout) as { proofs: Proofs } & Record<string, unknown>;
    expect(result).toMatchObject({ size: 700, entries: 700, inclusionChecked: 700, consistencyChecked: 7 });
    const hashes = (proof: readonly string[]): Buffer[] => proof.map((hash) => Buffer.from(hash, 'base64'));
    const { size, root } = checkpoint;
    const held = [
      ...result.proofs.inclusion.map(({ index, proof }) =>
        inclusionHolds(leafHash(entries[index]!), index, size, hashes(proof), root),
      ),
      ...result.proofs.consistency.map(({ oldSize, oldRoot, proof }) =>
        consistencyHolds(oldSize, Buffer.from(oldRoot, 'base64'), size, root, hashes(proof)),
      ),
    ];
    expect([held.length, held.every(Boolean)]).toEqual([707, true]);
  });

  /** One flipped bit in a copy of the ledger. */
  function altered(path: string, at: number): string {
    const copy = mkdtempSync(join(folder, 'altered-'));
    cpSync(exported, copy, { recursive: true });
    const file = join(copy, 'ledger', path);
    const bytes = readFileSync(file);
    bytes[at]! ^= 1;
    chmodSync(file, 0o600);
    renameSync(file, `${file}.old`);
    writeFileSync(file, bytes);
    expect(existsSync(file)).toBe(true);
    return copy;
  }

  it.each([
    ['tile/0/001', 5, /tile|inconsistent|hash/],
    ['tile/1/000.p/2', 40, /tile|inconsistent|hash/],
    ['tile/entries/000', 30, /entry 0 hashes to/],
    ['checkpoint', 25, /invalid signature/],
  ])('Go refuses %s with one bit flipped', async (path, at, why) => {
    await expect(run(altered(path, at))).rejects.toThrow(why);
  });

  it('Go refuses another key, and a proof of ours with one bit flipped', async () => {
    const other = join(folder, 'other.pem');
    writeFileSync(other, memorySigner().pem);
    await expect(run(exported, other)).rejects.toThrow(/no verifiable signatures|verif/);
    const proofs = JSON.parse(readFileSync(join(folder, 'proofs.json'), 'utf8')) as {
      inclusion: { proof: string[] }[];
    };
    const first = Buffer.from(proofs.inclusion[9]!.proof[0]!, 'base64');
    first[0]! ^= 1;
    proofs.inclusion[9]!.proof[0] = first.toString('base64');
    const file = join(folder, 'wrong.json');
    writeFileSync(file, JSON.stringify(proofs));
    await expect(run(exported, undefined, file)).rejects.toThrow('inclusion of 9');
  });
});
