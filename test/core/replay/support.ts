import * as backend from '#core/protocols/postgres/backend.ts';
import { encodeStartup } from '#core/protocols/postgres/startup.ts';
import { cstring, int32, message } from '#core/protocols/postgres/wire.ts';
import type { ReplayLimits, Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { frozen } from '#test/support/frozen.ts';
import { captured } from '#test/vectors/postgres/read.ts';

export type Said = readonly [stream: ReplayFrame['stream'], ...messages: Uint8Array[]];

/** Frames a millisecond apart. */
export function framesOf(said: readonly Said[]): ReplayFrame[] {
  return said.map(([stream, ...messages], at) => ({
    stream,
    withheld: false,
    timeUs: at * 1000,
    payload: Uint8Array.from(Buffer.concat(messages)),
  }));
}

export function capturedFrames(name: string): ReplayFrame[] {
  return captured(name).map((frame) => ({ ...frame, stream: frame.stream === 0 ? 'client' : 'target' }));
}

export async function stepsOf(frames: Iterable<ReplayFrame>, limits?: ReplayLimits): Promise<Step[]> {
  const steps: Step[] = [];
  for await (const step of postgresSteps(frames, limits)) steps.push(frozen(step));
  return steps;
}

/** A login through the gateway, then what is said, and its steps without login and end. */
export async function conversation(said: readonly Said[], limits?: ReplayLimits): Promise<Step[]> {
  const steps = await stepsOf(framesOf([...LOGIN, ...said]), limits);
  return steps.slice(1, -1);
}

export const STARTUP = encodeStartup({
  minor: 0,
  parameters: [
    ['user', 'dana'],
    ['database', 'orders-db'],
    ['application_name', 'psql'],
  ],
});

/** As the gateway records it: the token and the cancel key are zeros. */
export const LOGIN: readonly Said[] = [
  ['client', STARTUP],
  ['gateway', backend.authenticationCleartextPassword()],
  ['client', message(0x70, new Uint8Array(900))],
  ['gateway', backend.authenticationOk()],
  ['target', backend.parameterStatus('server_version', '15.4')],
  ['gateway', backend.backendKeyData(7, new Uint8Array(4))],
  ['target', backend.readyForQuery('I')],
];

/** Messages of the server that the codec has no encoder for, as the gateway never says them. */
export const server = {
  parseComplete: message(0x31),
  bindComplete: message(0x32),
  closeComplete: message(0x33),
  noData: message(0x6e),
  suspended: message(0x73),
  empty: message(0x49),
  copyDone: message(0x63),
  ready: backend.readyForQuery('I'),
  tag: (text: string) => message(0x43, cstring(text)),
  error: (text: string) => backend.errorResponse({ severity: 'ERROR', sqlstate: '42601', message: text }),
  row: (...values: (string | Uint8Array | null)[]) =>
    message(0x44, int16(values.length), ...values.flatMap(encodeValue)),
  columns: (...columns: (readonly [name: string, type: number, format?: number])[]) =>
    message(0x54, int16(columns.length), ...columns.map(encodeColumn)),
  parameters: (...types: number[]) => message(0x74, int16(types.length), ...types.map(int32)),
  copyIn: message(0x47, Uint8Array.of(0, 0, 0)),
  copyOut: message(0x48, Uint8Array.of(0, 0, 0)),
  copyData: (text: string) => message(0x64, Buffer.from(text)),
  notification: (channel: string, payload: string) =>
    message(0x41, int32(9), cstring(channel), cstring(payload)),
};

export function int16(value: number): Uint8Array {
  return Uint8Array.of(value >>> 8, value);
}

function encodeValue(value: string | Uint8Array | null): Uint8Array[] {
  if (value === null) return [int32(-1)];
  const bytes = Buffer.from(value);
  return [int32(bytes.length), bytes];
}

function encodeColumn([name, type, format = 0]: readonly [string, number, number?]): Uint8Array {
  const numbers = [int32(0), int16(0), int32(type), int16(0), int32(0), int16(format)];
  return Buffer.concat([cstring(name), ...numbers]);
}

/** The gist of a step, for comparing. */
export function gist({ kind, outcome, statement, tag, error, rows, rowCount }: Step): string {
  const shown = rows?.map((row) => row.map((value) => value?.text ?? 'NULL').join(',')).join(';');
  const parts = [kind, outcome, statement?.text, tag ?? error?.message, rowCount, shown];
  return parts.filter((part) => part !== undefined && part !== '').join(' | ');
}
