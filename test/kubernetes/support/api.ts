import { Agent, request } from 'node:https';

/** What the API server said. */
export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
}

export interface ApiCredentials {
  readonly url: string;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

/** Plain requests to an API server: for what a test sets up or looks at, quicker than any client. */
export class Api {
  readonly #credentials: ApiCredentials;
  readonly #agent: Agent;

  constructor(credentials: ApiCredentials) {
    const { ca, cert, key } = credentials;
    this.#credentials = credentials;
    this.#agent = new Agent({ keepAlive: true, ca, ...(cert === undefined ? {} : { cert, key }) });
  }

  async send(
    method: string,
    path: string,
    body?: unknown,
    more: Readonly<Record<string, string>> = {},
  ): Promise<ApiAnswer> {
    const { url, token } = this.#credentials;
    const headers = {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...more,
    };
    return new Promise((resolve, reject) => {
      const call = request(new URL(path, url), { method, headers, agent: this.#agent }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.once('error', reject);
        response.once('end', () =>
          resolve({ status: response.statusCode!, body: Buffer.concat(chunks).toString() }),
        );
      });
      call.once('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** An object; an error unless the server has it. */
  async get<T = Record<string, unknown>>(path: string): Promise<T> {
    return JSON.parse((await this.#good('GET', path)).body) as T;
  }

  async post<T = Record<string, unknown>>(path: string, object: unknown): Promise<T> {
    return JSON.parse((await this.#good('POST', path, object)).body) as T;
  }

  async patch(path: string, change: unknown): Promise<void> {
    await this.#good('PATCH', path, change, { 'content-type': 'application/merge-patch+json' });
  }

  async delete(path: string): Promise<void> {
    await this.#good('DELETE', path);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #good(...call: Parameters<Api['send']>): Promise<ApiAnswer> {
    const answer = await this.send(...call);
    if (answer.status >= 300) throw new Error(`${call[0]} ${call[1]}: ${answer.status} ${answer.body}`);
    return answer;
  }
}

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
}

/** Kinds whose plural is not just an `s` more. */
const PLURALS: Readonly<Record<string, string>> = { NetworkPolicy: 'networkpolicies', Ingress: 'ingresses' };

/** Where an object of a manifest is created. */
export function collection({ apiVersion, kind, metadata }: Manifest): string {
  const base = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const within = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${base}${within}/${PLURALS[kind] ?? `${kind.toLowerCase()}s`}`;
}
