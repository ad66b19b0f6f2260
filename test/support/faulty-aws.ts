import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Longer than a recording may be behind, shorter than a call may take. */
const SLOW_MS = 1_500;

export const awsFaults = ['throttle', 'expired', 'broken', 'cut', 'persisted-but-errored', 'slow'] as const;

/** What happens to calls: all of them, or the next `times`. */
export interface AwsFault {
  readonly kind: (typeof awsFaults)[number] | 'hang';
  readonly times?: number;
}

/** Stands before an emulator and does to its calls what a bad day does. */
export interface FaultyAws {
  readonly endpoint: string;
  fault: AwsFault | undefined;
  /** Happens once, before the answer of the next fault. */
  meanwhile: (() => Promise<void>) | undefined;
  stop(): Promise<void>;
}

export async function startFaultyAws(emulator: string): Promise<FaultyAws> {
  let left = 0;
  let fault: AwsFault | undefined;
  const server = createServer((request, response) => {
    void serve(request, response).catch(() => response.destroy());
  });
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const hit = fault;
    if (hit === undefined) return forward(emulator, request, body, response);
    left -= 1;
    if (left <= 0) fault = undefined;
    const { meanwhile } = faulty;
    faulty.meanwhile = undefined;
    await meanwhile?.();
    if (hit.kind === 'slow') {
      await new Promise((over) => setTimeout(over, SLOW_MS));
      return forward(emulator, request, body, response);
    }
    if (hit.kind === 'persisted-but-errored') await forward(emulator, request, body);
    if (hit.kind === 'hang') return;
    if (hit.kind === 'cut') response.destroy();
    else answer(hit.kind, request, response);
  }
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  const faulty: FaultyAws = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get fault() {
      return fault;
    },
    set fault(next) {
      fault = next;
      left = next?.times ?? Number.POSITIVE_INFINITY;
    },
    meanwhile: undefined,
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
  return faulty;
}

const SAID = {
  throttle: { status: 400, json: 'ThrottlingException', xml: 'SlowDown' },
  expired: { status: 400, json: 'ExpiredTokenException', xml: 'ExpiredToken' },
  broken: { status: 500, json: 'InternalServerError', xml: 'InternalError' },
  'persisted-but-errored': { status: 500, json: 'InternalServerError', xml: 'InternalError' },
} as const;

/** JSON services name their target in a header; S3 speaks XML. */
function answer(kind: keyof typeof SAID, { headers }: IncomingMessage, response: ServerResponse): void {
  const { status, json, xml } = SAID[kind];
  if (headers['x-amz-target'] !== undefined) {
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' });
    response.end(JSON.stringify({ __type: json, message: 'a bad day' }));
  } else {
    response.writeHead(kind === 'throttle' ? 503 : status, { 'content-type': 'application/xml' });
    response.end(`<?xml version="1.0"?><Error><Code>${xml}</Code><Message>a bad day</Message></Error>`);
  }
}

/** Without `to`, the answer is lost. */
function forward(
  emulator: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  to?: ServerResponse,
): Promise<void> {
  return new Promise((done, failed) => {
    const passed = send(new URL(url!, emulator), { method: method!, headers }, (answered) => {
      if (to === undefined) {
        answered.resume().once('end', done);
        return;
      }
      to.writeHead(answered.statusCode!, answered.headers);
      answered.pipe(to).once('finish', done);
    });
    passed.once('error', failed);
    passed.end(body);
  });
}
