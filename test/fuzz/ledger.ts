import { readFileSync } from 'node:fs';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { openCheckpoint } from '#core/ledger/checkpoint.ts';
import { LEAF_MAX_BYTES, leafBytes, parseLeaf } from '#core/ledger/leaf.ts';
import { inclusionHolds, leafHash } from '#core/ledger/merkle.ts';
import { openNote } from '#core/ledger/note.ts';
import { readStaging, stagingBytes } from '#core/ledger/staging.ts';
import { bundleBytes, isTilePath, readBundle, readTile } from '#core/ledger/tiles.ts';
import type { FuzzTarget } from './target.ts';

const page = readFileSync(new URL('../../core/ledger/FORMAT.md', import.meta.url), 'utf8');
const lines = page.split('\n');
const leafLines = lines.filter((line) => line.startsWith('{"type":"custody/leaf/1"'));
const { ecdsa, ed25519 } = readVectors('notes') as {
  ecdsa: readonly { log: string; publicKey: string; note: string }[];
  ed25519: readonly { note: string }[];
};
const keys = ecdsa.map(({ log, publicKey }) => ({ name: log, publicKey: Buffer.from(publicKey, 'base64') }));
const signedTexts = new Set(ecdsa.map(({ note }) => `${note.split('\n\n')[0]}\n`));
const notes = [...ecdsa, ...ed25519].map(({ note }) => Buffer.from(note));
const WIDTH = 3;

/** Notes of two logs: whatever is made of them, what opens is what was signed. */
const note: FuzzTarget = {
  name: 'ledger-note',
  seeds: () => notes,
  run: (bytes) => {
    const text = survive('format-invalid', () => openNote(Buffer.from(bytes).toString(), keys));
    if (text !== undefined && !signedTexts.has(text)) throw new Error('a text that nobody signed');
  },
};

const example = exampleCheckpoint();

const checkpoint: FuzzTarget = {
  name: 'ledger-checkpoint',
  seeds: () => [Buffer.from(example.note), ...notes],
  run: (bytes) => {
    const text = Buffer.from(bytes).toString();
    const read = survive('format-invalid', () => openCheckpoint(text, example.origin, example.publicKey));
    if (read !== undefined && (read.size !== 2 || read.root.toString('base64') !== example.root)) {
      throw new Error('a checkpoint that nobody signed');
    }
  },
};

const leaf: FuzzTarget = {
  name: 'ledger-leaf',
  seeds: () => leafLines.map((line) => Buffer.from(line)),
  run: (bytes) => {
    const read = survive('format-invalid', () => parseLeaf(bytes));
    if (read === undefined) return;
    if (bytes.length > LEAF_MAX_BYTES) throw new Error('a leaf longer than the bound');
    const again = parseLeaf(survive('internal', () => leafBytes(read)) ?? bytes);
    if (JSON.stringify(again) !== JSON.stringify(read)) throw new Error('a leaf that is read differently');
  },
};

const bundle: FuzzTarget = {
  name: 'ledger-bundle',
  seeds: () => [
    bundleBytes(leafLines.slice(0, WIDTH).map((line) => Buffer.from(line))),
    Buffer.alloc(WIDTH * 2),
  ],
  run: (bytes) => {
    const entries = survive('format-invalid', () => readBundle(bytes, WIDTH, 'bundle'));
    if (entries === undefined) return;
    if (entries.length !== WIDTH || !bundleBytes(entries).equals(bytes)) throw new Error('other entries');
  },
};

const tile: FuzzTarget = {
  name: 'ledger-tile',
  seeds: () => [Buffer.concat(leafLines.slice(0, WIDTH).map((line) => leafHash(Buffer.from(line))))],
  run: (bytes) => {
    const hashes = survive('format-invalid', () => readTile(bytes, WIDTH, 'tile'));
    if (hashes !== undefined && !Buffer.concat(hashes).equals(bytes)) throw new Error('other hashes');
  },
};

const staging: FuzzTarget = {
  name: 'ledger-staging',
  seeds: () => [
    Buffer.from(
      lines
        .find((line) => line.startsWith('{"type":"custody/ledger-staging/1"'))!
        .replace('<base64>', 'AAAA'),
    ),
    stagingBytes({
      leaves: ['a'.repeat(64)],
      tiles: new Map([['tile/entries/x001/234.p/9', Buffer.from('bytes')]]),
    }),
  ],
  run: (bytes) => {
    const read = survive('state-damaged', () => readStaging(bytes, 'ledger/staging/1-00'));
    for (const path of read?.tiles.keys() ?? []) {
      if (!isTilePath(path)) throw new Error(`${path} is no tile's`);
    }
  },
};

/** A proof as one likes, cut into hashes: only the one that was made holds. */
const proof: FuzzTarget = {
  name: 'ledger-proof',
  seeds: () => [Buffer.concat(made.proof)],
  run: (bytes) => {
    const hashes = Array.from({ length: Math.ceil(bytes.length / 32) }, (_, i) =>
      bytes.subarray(i * 32, (i + 1) * 32),
    );
    const holds = inclusionHolds(made.leaf, made.index, made.size, hashes, made.root);
    if (holds !== Buffer.concat(made.proof).equals(bytes)) throw new Error('a proof that was not made');
  },
};

const made = madeProof();

export const targets: readonly FuzzTarget[] = [note, checkpoint, leaf, bundle, tile, staging, proof];

/** The result, or undefined for a refusal. */
function survive<T>(refusal: ErrorCode, run: () => T): T | undefined {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof CustodyError && thrown.code === refusal) return undefined;
    throw thrown;
  }
}

function readVectors(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../vectors/ledger/${name}.json`, import.meta.url), 'utf8'));
}

/** The checkpoint and the key that FORMAT.md shows. */
function exampleCheckpoint() {
  const origin = 'custody.example.com/ledger';
  const blocks = page.split('```').map((block) => block.trim());
  const signed = `${blocks.find((block) => block.startsWith(origin))!}\n`;
  const pem = blocks.find((block) => block.startsWith('-----BEGIN'))!;
  const publicKey = Buffer.from(pem.split('\n').slice(1, -1).join(''), 'base64');
  return { origin, note: signed, publicKey, root: signed.split('\n')[2]! };
}

/** One of another implementation's. */
function madeProof() {
  const { inclusion } = readVectors('tree-70000') as {
    inclusion: readonly { index: number; size: number; root: string; leafHash: string; proof: string[] }[];
  };
  const hex = (text: string) => Buffer.from(text, 'hex');
  const { index, size, root, leafHash: hash, proof: hashes } = inclusion.at(-1)!;
  return { index, size, root: hex(root), leaf: hex(hash), proof: hashes.map(hex) };
}
