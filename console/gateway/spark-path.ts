export const [WIDTH, HEIGHT] = [120, 28];
const EDGE = 2;

/** The line of some values from left to right: `M2 26L118 2`. One value alone is a level line. */
export function sparkPath(values: readonly number[]): string {
  const all = values.length === 1 ? [values[0]!, values[0]!] : values;
  const most = Math.max(1, ...all);
  const step = (WIDTH - 2 * EDGE) / Math.max(1, all.length - 1);
  return all
    .map((value, at) => {
      const [x, y] = [EDGE + at * step, HEIGHT - EDGE - (value / most) * (HEIGHT - 2 * EDGE)];
      return `${at === 0 ? 'M' : 'L'}${round(x)} ${round(y)}`;
    })
    .join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
