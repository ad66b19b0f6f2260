import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { diffLines, diffOf } from '#core/protocols/kubernetes/bodies/diff.ts';
import { bodyNames, podFacts } from '#core/protocols/kubernetes/bodies/facts.ts';
import { gunzip } from '#core/protocols/kubernetes/bodies/gunzip.ts';
import { readBody } from '#core/protocols/kubernetes/bodies/read.ts';
import { type BodyWithholder, withholdingFor } from '#core/protocols/kubernetes/bodies/withhold.ts';
import type { Verb } from '#core/protocols/kubernetes/call.ts';
import { RECORD_MAX_PAYLOAD, type Withheld } from '#core/protocols/kubernetes/tape.ts';
import { escapeTerminal } from '#core/replay/text.ts';
import type { FuzzTarget } from './target.ts';

const TYPES = [
  'application/json',
  'application/yaml',
  'application/vnd.kubernetes.protobuf',
  'application/cbor',
] as const;

/** Kubernetes' own encoders wrote them. */
function seedsOf(type: string): () => readonly Uint8Array[] {
  return () =>
    readFileSync(new URL('../vectors/kubernetes/bodies/secrets.jsonl', import.meta.url), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; body: string })
      .filter((seed) => seed.type.startsWith(type))
      .map(({ body }) => Buffer.from(body, 'base64'));
}

/** What is read has facts and a difference to itself that is none, and can be written as JSON that reads the same. */
const reading = (type: string): FuzzTarget => ({
  name: `kubernetes-body-${type.replace(/.*[./]/, '')}`,
  seeds: seedsOf(type),
  run: (bytes) => {
    const read = readBody(bytes, type, undefined, gunzip);
    if (read.kind === 'unreadable') return;
    podFacts(read.value);
    bodyNames(read.value);
    const again = readBody(Buffer.from(JSON.stringify(read.value)), 'application/json', undefined);
    if (again.kind === 'unreadable' || diffOf(read.value, again.value).changes.length > 0)
      throw new Error('it is something else as JSON');
    if (diffLines(diffOf({}, read.value)).some((line) => escapeTerminal(line) !== line))
      throw new Error('a line that a terminal acts on');
  },
});

/** All bytes are accounted for, whatever they are and however they are cut. */
const withholding = (verb: Verb, type: string): FuzzTarget => ({
  name: `kubernetes-withheld-${verb}-${type.replace(/.*[./]/, '')}`,
  seeds: seedsOf(type.replace('-seq', '')),
  run: (bytes) => {
    const whole = withheld(verb, type, bytes, bytes.length + 1);
    if (!isDeepStrictEqual(textsOf(withheld(verb, type, bytes, 3)), textsOf(whole)))
      throw new Error('what is shown depends on cuts');
  },
});

function withheld(verb: Verb, type: string, bytes: Uint8Array, cut: number): readonly Withheld[] {
  const body = bodyOf(verb, type);
  const pieces: Withheld[] = [];
  for (let at = 0; at < bytes.length; at += cut) pieces.push(...body.push(bytes.subarray(at, at + cut)));
  pieces.push(...body.end());
  if (pieces.reduce((sum, piece) => sum + piece.bytes, 0) !== bytes.length || body.pending !== 0)
    throw new Error('bytes are missing');
  if (pieces.some((piece) => Buffer.byteLength(JSON.stringify(piece)) > RECORD_MAX_PAYLOAD))
    throw new Error('no record holds it');
  return pieces;
}

function bodyOf(verb: Verb, type: string): BodyWithholder {
  const query = new URLSearchParams();
  const names = { group: '', version: 'v1', resource: 'secrets', namespace: 'dev', name: '' };
  const call = { kind: 'resource', verb, ...names, query, upgrades: false } as const;
  return withholdingFor(call, ['secrets'])!.response(200, type, undefined);
}

function textsOf(pieces: readonly Withheld[]): readonly string[] {
  return pieces.flatMap(({ shown }) => shown ?? []);
}

export const targets: readonly FuzzTarget[] = [
  ...TYPES.map(reading),
  ...TYPES.map((type) => withholding('get', type)),
  withholding('watch', 'application/json'),
  withholding('watch', 'application/vnd.kubernetes.protobuf'),
  withholding('watch', 'application/cbor-seq'),
];
