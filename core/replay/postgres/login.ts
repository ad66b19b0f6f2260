import type { StartupMessage } from '#core/protocols/postgres/startup.ts';
import type { ReplayLimits, ShownLogin, ShownReport, Step } from '../step.ts';
import { shorten, showReport } from './answer.ts';
import type { ServerContent } from './contents.ts';

const MAX_SETTINGS = 200;

/** The login as the client sees it: from its StartupMessage to the first ReadyForQuery, or the error in its place. */
export class Login {
  readonly #limits: ReplayLimits;
  #startup: StartupMessage | undefined;
  #at = 0;
  #bytes = { client: 0, server: 0 };
  readonly #authentication: string[] = [];
  readonly #settings = new Map<string, string>();
  readonly #notices: ShownReport[] = [];
  /** What the server made of the version the client asked for. */
  #negotiated: number | undefined;
  #over = false;

  constructor(limits: ReplayLimits) {
    this.#limits = limits;
  }

  get over(): boolean {
    return this.#over;
  }

  begin(startup: StartupMessage, at: number): void {
    this.#startup = startup;
    this.#at = at;
    this.#bytes.client += startup.byteLength;
  }

  /** A password or a SASL answer, whose bytes are withheld. */
  answered(bytes: number): void {
    this.#bytes.client += bytes;
  }

  /** The login's step, once it is over. */
  server(message: ServerContent, at: number, bytes: number): Step | undefined {
    this.#bytes.server += bytes;
    switch (message.kind) {
      case 'error':
        return this.#step(at, { outcome: 'failed', error: showReport(message.fields, this.#limits.text) });
      case 'ready-for-query':
        return this.#step(at, { outcome: 'completed' });
      case 'notice':
        if (this.#notices.length < MAX_SETTINGS)
          this.#notices.push(showReport(message.fields, this.#limits.text));
        return undefined;
      case 'parameter-status':
        if (this.#settings.size < MAX_SETTINGS) this.#set(message.name, message.value);
        return undefined;
      default:
        this.#negotiate(message);
        return undefined;
    }
  }

  /** The recording ends before the login does. */
  finish(at: number): Step | undefined {
    if (this.#over || this.#startup === undefined) return undefined;
    return this.#step(at, { outcome: 'unfinished' });
  }

  #set(name: string, value: string): void {
    this.#settings.set(shorten(name, this.#limits.value)!, shorten(value, this.#limits.value)!);
  }

  #negotiate(message: ServerContent): void {
    if (this.#authentication.length >= MAX_SETTINGS) return;
    if (message.kind === 'negotiate-protocol-version') this.#negotiated = message.newestMinor;
    if (message.kind === 'authentication-cleartext') this.#authentication.push('password');
    if (message.kind === 'authentication-md5') this.#authentication.push('md5');
    if (message.kind === 'authentication-sasl') this.#authentication.push(...message.mechanisms.slice(0, 10));
    if (message.kind === 'authentication-other') this.#authentication.push(`method ${message.method}`);
  }

  #step(at: number, ended: Pick<Step, 'outcome' | 'error'>): Step {
    this.#over = true;
    const notices = this.#notices.length > 0 ? { notices: this.#notices } : {};
    const login = this.#startup === undefined ? {} : { login: this.#shown(this.#startup) };
    return {
      kind: 'login',
      at: this.#at,
      took: at - this.#at,
      ...login,
      ...notices,
      bytes: this.#bytes,
      ...ended,
    };
  }

  #shown({ parameters, major, minor }: StartupMessage): ShownLogin {
    const user = parameters.get('user')!;
    const application = parameters.get('application_name');
    return {
      user,
      database: parameters.get('database') ?? user,
      ...(application !== undefined && { application }),
      protocol: `${major}.${this.#negotiated ?? minor}`,
      authentication: this.#authentication,
      settings: this.#settings,
    };
  }
}
