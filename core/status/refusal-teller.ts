import { PULSE_MS, type Pulses } from './pulse.ts';
import { claimedIssuer, RefusalCounter } from './refusals.ts';

export interface RefusalTellerPorts {
  readonly pulses: Pick<Pulses, 'tell'>;
  /** Names this process, and no other one. */
  readonly name: string;
  readonly issuers: () => readonly { readonly name: string; readonly issuer: string }[];
  readonly now: () => Date;
}

/** What a process of the API refuses, counted and told: at most once in a while, however many guess. */
export class RefusalTeller {
  readonly #ports: RefusalTellerPorts;
  readonly #counter: RefusalCounter;
  #isNews = false;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(ports: RefusalTellerPorts) {
    this.#ports = ports;
    this.#counter = new RefusalCounter('api', ports.now);
  }

  /** A token was refused, or there was none. */
  readonly refused = (code: string, token: string | undefined): void => {
    this.#counter.note(code, claimedIssuer(token, this.#ports.issuers()));
    this.#isNews = true;
  };

  /** Tells what was refused since, where that is due: to be called often. What cannot be told now is told with the next. */
  async tellDue(): Promise<void> {
    const { pulses, now, name } = this.#ports;
    const at = now();
    if (!this.#isNews || at.getTime() - this.#toldAt < PULSE_MS) return;
    this.#toldAt = at.getTime();
    await pulses.tell({ process: name, at, refused: this.#counter.counts() });
    this.#isNews = false;
  }
}
