import { readFileSync } from 'node:fs';

export interface CapturedFrame {
  readonly stream: 0 | 1;
  readonly withheld: false;
  readonly timeUs: number;
  readonly payload: Uint8Array;
}

/** The frames of one scenario that capture.ts recorded. */
export function captured(name: string): CapturedFrame[] {
  const text = readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8');
  return (JSON.parse(text) as [0 | 1, number, string][]).map(([stream, timeUs, payload]) => ({
    stream,
    withheld: false,
    timeUs,
    payload: new Uint8Array(Buffer.from(payload, 'base64')),
  }));
}

/** All bytes of one direction. */
export function capturedStream(name: string, stream: 0 | 1): Uint8Array {
  return Buffer.concat(
    captured(name)
      .filter((frame) => frame.stream === stream)
      .map((frame) => frame.payload),
  );
}

export const SCENARIOS = [
  'psql-simple',
  'psql-copy',
  'psql-large-object',
  'pgbench-simple',
  'pgbench-extended',
  'pgbench-prepared',
  'pgbench-pipeline',
  'node-postgres',
  'protocol-3.2',
  'login-md5',
  'login-scram',
  'login-scram-plus',
  'login-wrong-password',
  'replication',
];
