import type { DurabilityMode } from '#core/recording/format.ts';

/** Time for a look that comes late (tapes.ts), and for sessions to be stopped before their window is over. */
const MARGIN_MS = 60;
/** A longer window does not mean that so much may as well be lost. */
const MOST_MS = 500;
/** Where one that waits is told at once, what others said is as safe soon after: an answer beside its question. */
const AHEAD_MS = 50;
/** How fast a slow commit is forgotten. */
const REMEMBERED = 0.9;

/**
 * When frames are handed over for which nobody waits: as late as the shortest window allows with the commits as they are. Each tick costs
 * a signature and an entry in the journal.
 */
export class HandOverPace {
  #windowMs = Number.POSITIVE_INFINITY;
  #mostMs = MOST_MS;
  #commitMs = 0;
  #asked: { readonly position: number; readonly atMs: number } | undefined;
  #handOverMs = MOST_MS;

  get handOverMs(): number {
    return this.#handOverMs;
  }

  /** These sessions are open. */
  holds(sessions: readonly { readonly windowMs: number; readonly durability: DurabilityMode }[]): void {
    this.#windowMs = Math.min(...sessions.map(({ windowMs }) => windowMs));
    this.#mostMs = sessions.some(({ durability }) => durability === 'write-ahead') ? AHEAD_MS : MOST_MS;
    this.#set();
  }

  /** It is known how long commits take once one is over that was asked for and has not been. */
  get isMeasuring(): boolean {
    return this.#asked !== undefined;
  }

  /** The recorder is to take what was recorded before this position. */
  asked(position: number, atMs: number): void {
    this.#asked ??= { position, atMs };
  }

  durable(position: number, atMs: number): void {
    if (this.#asked === undefined || position < this.#asked.position) return;
    this.#commitMs = Math.max(atMs - this.#asked.atMs, REMEMBERED * this.#commitMs);
    this.#asked = undefined;
    this.#set();
  }

  /** Where commits take most of the window, sessions wait; handing over ever earlier would not help them. */
  #set(): void {
    const room = this.#windowMs - 2 * this.#commitMs - MARGIN_MS;
    this.#handOverMs = Math.min(Math.max(room, this.#windowMs / 4), this.#mostMs);
  }
}
