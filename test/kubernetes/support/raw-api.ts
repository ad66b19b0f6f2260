import { Agent, request } from 'node:https';
import type { KubernetesBed } from './bed.ts';

/** What the API server said, as bytes. */
export interface RawAnswer {
  readonly status: number;
  readonly type: string | undefined;
  readonly encoding: string | undefined;
  readonly bytes: Buffer;
}

export interface RawCall {
  readonly method?: string;
  readonly accept?: string;
  readonly type?: string;
  readonly body?: string | Uint8Array;
  readonly gzip?: boolean;
  /** Where it is a stream that does not end: each part, and whether that was enough. */
  readonly onBytes?: (bytes: Buffer, head: Omit<RawAnswer, 'bytes'>) => boolean;
}

/** Calls of an administrator, for tests that look at what bodies are made of. */
export class RawApi {
  readonly #url: string;
  readonly #agent: Agent;

  private constructor(url: string, agent: Agent) {
    this.#url = url;
    this.#agent = agent;
  }

  static async of(bed: KubernetesBed): Promise<RawApi> {
    const { cert, key } = await bed.certificate('raw', ['system:masters']);
    return new RawApi(bed.url, new Agent({ keepAlive: true, ca: bed.ca, cert, key }));
  }

  call(
    path: string,
    { method = 'GET', accept, type, body, gzip, onBytes }: RawCall = {},
  ): Promise<RawAnswer> {
    const headers = {
      ...(accept === undefined ? {} : { accept }),
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(gzip === true ? { 'accept-encoding': 'gzip' } : {}),
    };
    return new Promise((resolve, reject) => {
      const asked = request(new URL(path, this.#url), { method, headers, agent: this.#agent }, (response) => {
        const head = {
          status: response.statusCode!,
          type: response.headers['content-type'],
          encoding: response.headers['content-encoding'],
        };
        const chunks: Buffer[] = [];
        const done = () => resolve({ ...head, bytes: Buffer.concat(chunks) });
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          if (onBytes?.(chunk, head) !== true) return;
          response.destroy();
          done();
        });
        response.once('error', reject);
        response.once('end', done);
      });
      asked.once('error', reject);
      asked.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}
