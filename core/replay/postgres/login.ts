import type { ServerContent } from './contents.ts';
import type { RecordedStartup } from './startup.ts';
import type { ShownLogin, ShownReport, Step } from './step.ts';
import type { Texts } from './texts.ts';

const MAX_SETTINGS = 200;
const MAX_NOTICES = 20;

/** The login as the client sees it: from its StartupMessage to the first ReadyForQuery, or the error in its place. */
export class Login {
  readonly #texts: Texts;
  #startup: RecordedStartup | undefined;
  #at = 0;
  #bytes = { client: 0, server: 0 };
  readonly #authentication: string[] = [];
  readonly #settings = new Map<string, string>();
  readonly #notices: ShownReport[] = [];
  #noticesLeftOut = 0;
  /** Some text of it is not all text. */
  #undecoded = false;
  /** What the server made of the version the client asked for. */
  #negotiated: number | undefined;
  #over = false;

  constructor(texts: Texts) {
    this.#texts = texts;
  }

  get over(): boolean {
    return this.#over;
  }

  begin(startup: RecordedStartup, at: number): void {
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
        return this.#step(at, { outcome: 'failed', error: this.#texts.report(message.fields) });
      case 'ready-for-query':
        return this.#step(at, { outcome: 'completed' });
      case 'notice':
        if (this.#notices.length < MAX_NOTICES) this.#notices.push(this.#texts.report(message.fields));
        else this.#noticesLeftOut++;
        return undefined;
      case 'parameter-status':
        this.#texts.reported(message, true);
        if (this.#settings.size < MAX_SETTINGS) this.#set(message);
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

  #set({ name, value }: Extract<ServerContent, { kind: 'parameter-status' }>): void {
    const [shownName, shownValue] = [this.#texts.words(name), this.#texts.words(value)];
    this.#undecoded ||= shownName.undecoded || shownValue.undecoded;
    this.#settings.set(shownName.text, shownValue.text);
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
    const notices = {
      ...(this.#notices.length > 0 && { notices: this.#notices }),
      ...(this.#noticesLeftOut > 0 && { noticesLeftOut: this.#noticesLeftOut }),
    };
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

  /** What the client says before there is a session is in the encoding that it asks for. */
  #shown({ parameters, major, minor }: RecordedStartup): ShownLogin {
    const encoding = parameters.get('client_encoding');
    const text = (name: string): string | undefined => {
      const bytes = parameters.get(name);
      if (bytes === undefined) return undefined;
      const asked = encoding === undefined ? undefined : Buffer.from(encoding).toString('latin1');
      const decoded = this.#texts.words({ bytes, length: bytes.length }, asked ?? 'SQL_ASCII');
      this.#undecoded ||= decoded.undecoded;
      return decoded.text;
    };
    const user = text('user') ?? '';
    const application = text('application_name');
    return {
      user,
      database: text('database') || user,
      ...(application !== undefined && { application }),
      protocol: `${major}.${this.#negotiated ?? minor}`,
      authentication: this.#authentication,
      settings: this.#settings,
      ...(this.#undecoded && { undecoded: this.#undecoded }),
    };
  }
}
