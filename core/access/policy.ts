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
}

/**
 * The configuration that is in force. One that cannot be read, is not valid or cannot be entered into the ledger changes
 * nothing: the one before stays, and `refused` says why.
 */
export class PolicyInForce {
  readonly #ports: PolicyPorts;
  #config: Config;
  #refused: RefusedConfig | undefined;

  constructor(config: Config, ports: PolicyPorts) {
    this.#config = config;
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
      return await this.#take(await this.#ports.read());
    } catch (thrown) {
      return this.#refuse(asCustodyError(thrown));
    }
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
