/** Where somebody is in a session: at a step, or at a moment of its terminals. The address has one of them. */

/** Microseconds since the session's start, as an address has them. */
export function momentOf(text: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(text ?? '') ? Number(text) : undefined;
}

/** As the API reads a time: seconds. */
export function secondsText(us: number): string {
  return (us / 1e6).toFixed(6);
}
