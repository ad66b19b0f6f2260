const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** Two units at most: `2 h 5 min`, `45 s`. Milliseconds; under a second they are said. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  let left = Math.floor(ms / 1_000);
  const parts: string[] = [];
  for (const [unit, seconds] of UNITS) {
    const many = Math.floor(left / seconds);
    left -= many * seconds;
    if (many > 0) parts.push(`${many} ${unit}`);
    if (parts.length === 2 || (parts.length === 1 && many === 0)) break;
  }
  return parts.join(' ');
}
