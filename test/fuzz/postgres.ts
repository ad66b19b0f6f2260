import { CustodyError } from '#core/errors.ts';
import { parseBackend } from '#core/protocols/postgres/backend.ts';
import { MessageBoundary } from '#core/protocols/postgres/boundary.ts';
import { parseFrontend } from '#core/protocols/postgres/frontend.ts';
import { MessageReader } from '#core/protocols/postgres/messages.ts';
import { parseOauthBearer } from '#core/protocols/postgres/oauthbearer.ts';
import { ScramClient } from '#core/protocols/postgres/scram.ts';
import {
  encodeCancelRequest,
  encodeSslRequest,
  readStartup,
  STARTUP_MAX_BYTES,
} from '#core/protocols/postgres/startup.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import { formatTable } from '#core/replay/postgres/table.ts';
import type { ReplayFrame } from '#core/replay/step.ts';
import { displayWidth } from '#core/replay/text.ts';
import { Gated } from '#test/support/gated.ts';
import { captured, capturedStream, SCENARIOS } from '../vectors/postgres/read.ts';
import type { FuzzTarget } from './target.ts';

const KEPT_BYTES = 512;
const STREAMS = ['client', 'target', 'gateway', 'note'] as const;
const TABLE_WIDTH = 60;
const GATED = ['select 1', 'select 1', 'begin', 'commit'];

/** The first bytes of a connection. */
export const startup: FuzzTarget = {
  name: 'postgres-startup',
  seeds: () => [
    ...SCENARIOS.map((name) => capturedStream(name, 0).subarray(0, 200)),
    encodeCancelRequest(1, new Uint8Array(32)),
    encodeSslRequest(),
  ],
  run: (bytes) => {
    const packet = survive(() => readStartup(bytes));
    if (packet === undefined) return;
    if (packet.byteLength > bytes.length) throw new Error('a packet longer than its input');
    if (packet.byteLength > STARTUP_MAX_BYTES + 4) throw new Error('a packet longer than the bound');
  },
};

/** Typed messages of the client, and where they end. */
export const frontend: FuzzTarget = {
  name: 'postgres-frontend',
  seeds: () => SCENARIOS.map((name) => afterStartup(capturedStream(name, 0))),
  run: (bytes) => readMessages(bytes, parseFrontend),
};

/** Typed messages of the server, and where they end. */
export const backend: FuzzTarget = {
  name: 'postgres-backend',
  seeds: () => SCENARIOS.map((name) => capturedStream(name, 1)),
  run: (bytes) => readMessages(bytes, parseBackend),
};

/** A client under exact commands: what passes is what it sent, however that is cut, and never more than was approved. */
export const statementGate: FuzzTarget = {
  name: 'postgres-statement-gate',
  seeds: () => SCENARIOS.map((name) => afterStartup(capturedStream(name, 0))),
  run: (bytes) => {
    const whole = new Gated(GATED).take(bytes);
    const cut = bytes.length >> 1;
    const gate = new Gated(GATED);
    const passed = Buffer.concat([gate.take(bytes.subarray(0, cut)), gate.take(bytes.subarray(cut))]);
    if (!passed.equals(whole)) throw new Error('what passes depends on where it is cut');
    if (passed.length > bytes.length) throw new Error('something passed that was not sent');
  },
};

/** What a target says in SCRAM, as the first message or as the last. */
export const scram: FuzzTarget = {
  name: 'postgres-scram',
  seeds: () => [
    Buffer.from('r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096'),
    Buffer.from('v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4='),
  ],
  run: async (bytes) => {
    const client = new ScramClient({
      password: 'pencil',
      nonce: 'rOprNGfwEbeRWgbNEkqO',
      binding: { flag: 'n' },
    });
    await survive(() => client.final(bytes));
    const verified = survive(() => {
      client.verify(bytes);
      return true;
    });
    if (verified === true) throw new Error('a server that knows no password was believed');
  },
};

export const oauthbearer: FuzzTarget = {
  name: 'postgres-oauthbearer',
  seeds: () => [
    Buffer.from('n,,\x01auth=Bearer abc.def\x01\x01'),
    Buffer.from('y,,\x01host=h\x01auth=\x01\x01'),
  ],
  run: (bytes) => {
    const token = survive(() => parseOauthBearer(bytes))?.token;
    if (token !== undefined && !/^[\w\-.~+/]*=*$/.test(token)) throw new Error('a token that is not one');
  },
};

/** A recording's frames, played: any number of { stream, length (2 bytes), payload }. */
export const replay: FuzzTarget = {
  name: 'postgres-replay',
  seeds: () => SCENARIOS.map(packFrames),
  run: async (bytes) => {
    let last: string | undefined;
    for await (const step of postgresSteps(unpackFrames(bytes))) {
      last = step.kind;
      for (const line of formatTable(step, { width: TABLE_WIDTH }).split('\n')) {
        if (displayWidth(line) > TABLE_WIDTH) throw new Error('a line wider than the terminal');
      }
    }
    if (last !== 'end') throw new Error('the steps have no end');
  },
};

export const targets: readonly FuzzTarget[] = [
  startup,
  frontend,
  backend,
  statementGate,
  scram,
  oauthbearer,
  replay,
];

/** The result, or undefined for a refusal; a promise is survived too. */
function survive<T>(run: () => Promise<T>): Promise<T | undefined>;
function survive<T>(run: () => T): T | undefined;
function survive<T>(run: () => T | Promise<T>): T | undefined | Promise<T | undefined> {
  try {
    const result = run();
    return result instanceof Promise ? result.catch(onlyRefusals) : result;
  } catch (thrown) {
    return onlyRefusals(thrown);
  }
}

function onlyRefusals(thrown: unknown): undefined {
  if (!(thrown instanceof CustodyError) || thrown.code === 'internal') throw thrown;
}

/** Reads and parses every message, and holds the reader against the hot path's own walk. */
function readMessages(bytes: Uint8Array, parse: (type: number, body: Uint8Array) => unknown): void {
  const reader = new MessageReader(KEPT_BYTES);
  const boundary = new MessageBoundary();
  boundary.advance(bytes, bytes.length);
  reader.push(bytes);
  const whole = survive(() => {
    for (const message of reader) {
      if (!message.truncated) survive(() => parse(message.type, message.body));
    }
    return true;
  });
  if ((whole === undefined) !== boundary.broken)
    throw new Error('reader and boundary do not agree on the framing');
  if (whole === true && reader.incomplete === boundary.atBoundary) {
    throw new Error('reader and boundary do not agree on the end');
  }
}

function afterStartup(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(readStartup(bytes)?.byteLength ?? 0);
}

function packFrames(name: string): Uint8Array {
  return Buffer.concat(
    captured(name).flatMap(({ stream, payload }) => [
      Uint8Array.of(stream, payload.length & 0xff, payload.length >>> 8),
      payload,
    ]),
  );
}

function* unpackFrames(bytes: Uint8Array): Generator<ReplayFrame> {
  for (let at = 0, timeUs = 0; at + 3 <= bytes.length; timeUs++) {
    const length = bytes[at + 1]! | (bytes[at + 2]! << 8);
    const payload = bytes.subarray(at + 3, at + 3 + length);
    yield { stream: STREAMS[bytes[at]! % STREAMS.length]!, withheld: false, timeUs, payload };
    at += 3 + length;
  }
}
