/** How time goes while a session is played. */
export const TICK_MS = 50;

export interface Playing {
  readonly speed: number;
  /** Seconds between two things that happen; 0: as long as it was. */
  readonly idle: number;
  /** When something happens next after a moment. */
  readonly next: (us: number) => number | undefined;
}

/** So much later, by the clock of who looks on. Where nothing happens for longer than the limit, the rest of that is left out. */
export function advanced(now: number, { speed, idle, next }: Playing, tickMs = TICK_MS): number {
  const upcoming = next(now);
  const most = idle * 1e6 * speed;
  const from = upcoming !== undefined && idle > 0 && upcoming - now > most ? upcoming - most : now;
  return from + tickMs * 1000 * speed;
}
