/** Who comes when: each round starts with another one, so that nobody is always first, or always behind the same. */
export function rotated<T>(all: readonly T[], round: number): T[] {
  const start = all.length === 0 ? 0 : round % all.length;
  return [...all.slice(start), ...all.slice(0, start)];
}
