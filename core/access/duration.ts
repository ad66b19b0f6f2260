const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `90s`, `30m`, `4h`, `7d` in milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,7})([smhd])$/.exec(text) ?? [];
  const ms = Number(count) * (UNITS[unit ?? ''] ?? 0);
  return ms > 0 ? ms : undefined;
}

/** The shortest text that `durationMs` reads back; seconds at the finest. */
export function durationText(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const [unit, size] = Object.entries(UNITS).findLast(([, size]) => (seconds * 1000) % size === 0)!;
  return `${(seconds * 1000) / size}${unit}`;
}
