import pg from 'pg';
import type { DurabilityMode } from '#core/recording/format.ts';
import type { Sent } from './oracle.ts';
import type { Seeded } from './seed.ts';

export interface Login {
  readonly token: string;
  /** PEM. */
  readonly ca: string;
}

const ERROR_WAIT_MS = 50;

/** Writes numbered rows, reconnecting after every failure, until it is stopped. */
export class ChaosClient {
  readonly sent: Sent[] = [];
  readonly #mode: DurabilityMode;
  readonly #name: string;
  readonly #login: pg.ClientConfig;
  readonly #random: Seeded;
  readonly #heard = Promise.withResolvers<void>();
  #sessions = 0;
  #stopped = false;
  #done: Promise<void> = Promise.resolve();

  constructor(
    { port }: { readonly port: number },
    mode: DurabilityMode,
    name: string,
    login: Login,
    random: Seeded,
    /** Startup options. */
    options?: string,
  ) {
    const { token, ca } = login;
    this.#random = random;
    this.#mode = mode;
    this.#name = name;
    this.#login = {
      host: '127.0.0.1',
      port,
      database: mode,
      user: 'chaos',
      password: token,
      ssl: { ca, servername: 'localhost' },
      connectionTimeoutMillis: 5_000,
      ...(options === undefined ? {} : { options }),
    };
  }

  /** Resolves with the first answer: from then on there is something that can be lost. */
  get heard(): Promise<void> {
    return this.#heard.promise;
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
      await this.#session().catch(() => new Promise((done) => setTimeout(done, ERROR_WAIT_MS)));
    }
  }

  async #session(): Promise<void> {
    this.#sessions += 1;
    const client = new pg.Client(this.#login);
    const lost = new Promise<never>((_, failed) => {
      client.once('error', failed);
      client.once('end', () => failed(new Error('the connection ended')));
    });
    lost.catch(() => undefined);
    try {
      await Promise.race([client.connect(), lost]);
      // Sessions of many lengths, so that openings and seals meet the faults too.
      const statements = this.#random.between(1, 400);
      for (let n = 0; n < statements && !this.#stopped; n += 1) {
        await Promise.race([this.#insert(client), lost]);
      }
    } finally {
      await Promise.race([
        client.end().catch(() => undefined),
        new Promise((done) => setTimeout(done, 2_000)),
      ]);
    }
  }

  async #insert(client: pg.Client): Promise<void> {
    const sent: Sent = {
      tag: `${this.#name}-s${this.#sessions}-${this.sent.length}.`,
      mode: this.#mode,
      sentAt: Date.now(),
      ackedAt: undefined,
    };
    this.sent.push(sent);
    await client.query(`insert into chaos (tag) values ('${sent.tag}')`);
    sent.ackedAt = Date.now();
    this.#heard.resolve();
  }
}
