import { connect } from 'node:http2';
import { request } from 'node:https';
import type { ApiCredentials } from './api.ts';

/** A request as a client makes it. */
export interface Ask {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** An answer whole, as it came: no header left out, nothing inflated. */
export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
}

export async function askHttp1({ url, ca, cert, key }: ApiCredentials, ask: Ask): Promise<Answered> {
  const { method = 'GET', path, headers = {}, body } = ask;
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const tls = { ca, ...(cert === undefined ? {} : { cert, key }), agent: false as const };
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(url).origin,
      { method, path, headers: { ...headers, ...length }, ...tls },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks) }),
        );
      },
    );
    call.once('error', reject);
    call.end(body);
  });
}

export async function askHttp2({ url, ca, cert, key }: ApiCredentials, ask: Ask): Promise<Answered> {
  const { method = 'GET', path, headers = {}, body } = ask;
  const session = connect(new URL(url).origin, { ca, ...(cert === undefined ? {} : { cert, key }) });
  try {
    return await new Promise((resolve, reject) => {
      session.once('error', reject);
      const call = session.request(
        { ':method': method, ':path': path, ...headers },
        { endStream: body === undefined },
      );
      const chunks: Buffer[] = [];
      let answer: Answered['headers'] = {};
      call.once('response', (all) => {
        answer = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, value as string]));
      });
      call.on('data', (chunk: Buffer) => chunks.push(chunk));
      call.once('error', reject);
      call.once('end', () => {
        const { ':status': status, ...others } = answer;
        resolve({ status: Number(status), headers: others, body: Buffer.concat(chunks) });
      });
      if (body !== undefined) call.end(body);
    });
  } finally {
    session.destroy();
  }
}
