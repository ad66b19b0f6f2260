import type { Portal, Prepared } from './contract-going.ts';

/** The server cuts names at 63 bytes, so that two longer ones may be one to it (NAMEDATALEN). */
const NAME = /^[\x20-\x7e]{0,62}$/;
const NAMES_MAX = 1_000;

/** What names stand for at the server: what it has acknowledged, and no more. */
export class ContractNames {
  readonly statements = new Map<string, Prepared>();
  readonly portals = new Map<string, Portal>();

  /** With what a piece would give on top, should all of it pass. */
  trial(): TrialNames {
    return new TrialNames(this);
  }

  /** Portals end with their transaction. */
  transactionEnded(): void {
    if (this.portals.size > 0) this.portals.clear();
  }
}

/** Names as they are in the middle of a piece. What a failed message skips skips what builds on it. */
export class TrialNames {
  readonly #names: ContractNames;
  #statements: Map<string, Prepared | undefined> | undefined;
  #portals: Map<string, Portal | undefined> | undefined;

  constructor(names: ContractNames) {
    this.#names = names;
  }

  statement(name: string): Prepared | undefined {
    const own = this.#statements;
    return own?.has(name) === true ? own.get(name) : this.#names.statements.get(name);
  }

  portal(name: string): Portal | undefined {
    const own = this.#portals;
    return own?.has(name) === true ? own.get(name) : this.#names.portals.get(name);
  }

  setStatement(name: string, prepared: Prepared | undefined): void {
    (this.#statements ??= new Map()).set(name, prepared);
  }

  setPortal(name: string, portal: Portal | undefined): void {
    (this.#portals ??= new Map()).set(name, portal);
  }

  /** Undefined where a client may give the name; else why not. */
  problemOf(name: string, own: string): string | undefined {
    if (name !== '' && !NAME.test(name)) return 'has a name that is too long or no plain text';
    if (name.startsWith(own)) return `has a name that begins with "${own}", as the gateway's own do`;
    const { statements, portals } = this.#names;
    return statements.size + portals.size >= NAMES_MAX ? 'is one of too many that have names' : undefined;
  }
}
