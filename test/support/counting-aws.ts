import { createServer, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Calls by `<service> <operation> <task's or function's part>`, and the bytes that they sent. */
export type AwsCounts = Map<string, { calls: number; units: number }>;

export interface CountingAws {
  readonly endpoint: string;
  /** What passed since it was asked last. */
  take(): AwsCounts;
  /** From now on each call takes so much longer, milliseconds. */
  delay(ms: number): void;
  stop(): Promise<void>;
}

/** Stands before an emulator and counts what passes, in the units that AWS charges for. */
export async function startCountingAws(emulator: string): Promise<CountingAws> {
  let counts: AwsCounts = new Map();
  let delayMs = 0;
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { name, units } = chargeOf(request.method!, request.url!, request.headers, body);
      const known = counts.get(name) ?? { calls: 0, units: 0 };
      counts.set(name, { calls: known.calls + 1, units: known.units + units });
      const { method, url, headers } = request;
      const pass = (): void => {
        const passed = send(new URL(url!, emulator), { method: method!, headers }, (answered) => {
          response.writeHead(answered.statusCode!, answered.headers);
          answered.pipe(response);
        });
        passed.once('error', () => response.destroy());
        passed.end(body);
      };
      if (delayMs === 0) pass();
      else setTimeout(pass, delayMs);
    });
  });
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => {
      const taken = counts;
      counts = new Map();
      return taken;
    },
    delay: (ms) => void (delayMs = ms),
    stop: () =>
      new Promise((stopped) => {
        server.close(() => stopped());
        server.closeAllConnections();
      }),
  };
}

interface Charge {
  readonly name: string;
  readonly units: number;
}

/** Write units are KiB begun, twice that in a transaction; reads here are small: one unit if consistent, half if not. */
function chargeOf(
  method: string,
  url: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Buffer,
): Charge {
  const target = headers['x-amz-target'];
  if (typeof target !== 'string')
    return { name: `S3 ${method}${url.includes('list-type') ? ' list' : ''}`, units: 1 };
  const [service, operation = ''] = target.split('.');
  if (!service!.startsWith('DynamoDB')) return { name: `${service} ${operation}`, units: 1 };
  const json = JSON.parse(body.toString()) as {
    ConsistentRead?: boolean;
    TransactItems?: readonly unknown[];
  };
  if (/^(?:Get|Query|Scan)/.test(operation))
    return { name: 'DynamoDB read', units: json.ConsistentRead === true ? 1 : 0.5 };
  if (json.TransactItems === undefined)
    return { name: 'DynamoDB write', units: Math.ceil(sizeOf(json) / 1024) };
  const units = json.TransactItems.reduce<number>((sum, item) => sum + 2 * Math.ceil(sizeOf(item) / 1024), 0);
  return { name: 'DynamoDB write', units };
}

/** Binary travels as base64, a third longer than it is charged. */
function sizeOf(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length * 0.8);
}
