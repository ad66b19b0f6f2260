import type { DurabilityMode } from '#core/recording/format.ts';
import { Api, type ApiCredentials } from '#test/kubernetes/support/api.ts';
import type { Sent } from '../oracle.ts';
import type { Seeded } from '../seed.ts';

const ERROR_WAIT_MS = 30;
/** No client of a gateway that is paused waits for ever. */
const CALL_MS = 4_000;
const CONFIGMAPS = '/clusters/cluster/api/v1/namespaces/dev/configmaps';

/** Creates tagged objects, one after the other, and reads, watches and deletes in between, until it is stopped. */
export class KubernetesChaosClient {
  readonly sent: Sent[] = [];
  readonly #credentials: ApiCredentials;
  readonly #mode: DurabilityMode;
  readonly #name: string;
  readonly #random: Seeded;
  #stopped = false;
  #connections = 0;
  #done: Promise<void> = Promise.resolve();

  constructor(credentials: ApiCredentials, mode: DurabilityMode, name: string, random: Seeded) {
    this.#credentials = credentials;
    this.#mode = mode;
    this.#name = name;
    this.#random = random;
  }

  start(): void {
    this.#done = this.#run();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#connections += 1;
      const api = new Api(this.#credentials);
      const watch = within(api.send('GET', `${CONFIGMAPS}?watch=true`)).catch(() => undefined);
      try {
        while (!this.#stopped) await this.#call(api);
      } catch {
        await new Promise((done) => setTimeout(done, ERROR_WAIT_MS));
      }
      api.close();
      await watch;
    }
  }

  async #call(api: Api): Promise<void> {
    const last = this.sent.at(-1);
    const kind = this.#random.pick(['create', 'create', 'get', 'list', 'delete'] as const);
    if (kind === 'create' || last === undefined) return this.#create(api);
    const one = `${CONFIGMAPS}/${nameOf(last.tag)}`;
    if (kind === 'list') await within(api.send('GET', `${CONFIGMAPS}?limit=3`));
    else await within(api.send(kind === 'get' ? 'GET' : 'DELETE', one));
  }

  async #create(api: Api): Promise<void> {
    const tag = `${this.#name}-s${this.#connections}-${this.sent.length}.`;
    const sent: Sent = { tag, mode: this.#mode, sentAt: Date.now(), ackedAt: undefined };
    this.sent.push(sent);
    const metadata = { name: nameOf(tag) };
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { tag } };
    const { status } = await within(api.send('POST', CONFIGMAPS, object));
    if (status === 201) sent.ackedAt = Date.now();
  }
}

/** An object's name has no dot at its end. */
export function nameOf(tag: string): string {
  return tag.slice(0, -1);
}

async function within<T>(work: Promise<T>): Promise<T> {
  work.catch(() => undefined);
  const { promise, reject } = Promise.withResolvers<never>();
  const late = setTimeout(() => reject(new Error('no answer')), CALL_MS);
  return Promise.race([work, promise]).finally(() => clearTimeout(late));
}
