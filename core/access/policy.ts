import { asCustodyError, type CustodyError } from '../errors.ts';
import type { Config } from './config.ts';

/** A new configuration that was not taken. */
export interface RefusedConfig {
  readonly error: CustodyError;
  readonly since: Date;
}

export interface PolicyPorts {
  /** The configuration as it is written now. Rejects with `config-invalid`. */
  readonly read: () => Promise<Config>;
  /** Makes a change known before it counts: when it returns, its ledger leaf is durably queued. */
  readonly adopt: (config: Config) => Promise<void>;
  readonly now: () => Date;
  /** True where what is read is never half written: it counts at once. */
  readonly isWhole?: boolean;
}

/**
 * The configuration that is in force. One that cannot be read, is not valid or cannot be entered into the ledger changes
 * nothing: the one before stays, and `refused` says why. What was read counts when the next look finds the same: a file that
 * is only half written may well be valid, and take away what its end gives.
 */
export class PolicyInForce {
  readonly #ports: PolicyPorts;
  #config: Config;
  #refused: RefusedConfig | undefined;
  /** What the last look found. */
  #found: string;

  constructor(config: Config, ports: PolicyPorts) {
    this.#config = config;
    this.#found = config.version;
    this.#ports = ports;
  }

  get config(): Config {
    return this.#config;
  }

  get refused(): RefusedConfig | undefined {
    return this.#refused;
  }

  /** Looks whether it was changed. Resolves with what is news: a configuration now in force, or one now refused. */
  async check(): Promise<Config | RefusedConfig | undefined> {
    try {
      const config = await this.#ports.read();
      return this.#foundAgain(config.version) ? await this.#take(config) : undefined;
    } catch (thrown) {
      const error = asCustodyError(thrown);
      return this.#foundAgain(error.message) ? this.#refuse(error) : undefined;
    }
  }

  #foundAgain(what: string): boolean {
    const again = this.#found === what;
    this.#found = what;
    return again || this.#ports.isWhole === true;
  }

  async #take(config: Config): Promise<Config | undefined> {
    if (config.version !== this.#config.version) await this.#ports.adopt(config);
    this.#refused = undefined;
    if (config.version === this.#config.version) return undefined;
    this.#config = config;
    return config;
  }

  #refuse(error: CustodyError): RefusedConfig | undefined {
    if (this.#refused?.error.message === error.message) return undefined;
    this.#refused = { error, since: this.#ports.now() };
    return this.#refused;
  }
}
