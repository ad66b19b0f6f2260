/** `0:07`, `1:02:03`: of microseconds. */
export function clockText(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

/** For who hears it. */
export function spokenText(us: number): string {
  const seconds = Math.floor(us / 1e6);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return `${hours > 0 ? `${hours} h ` : ''}${minutes > 0 || hours > 0 ? `${minutes} min ` : ''}${seconds % 60} s`;
}

/** ISO 8601, of a moment in a session. */
export function timeAt(startedAt: string, us: number): string {
  return new Date(Date.parse(startedAt) + us / 1000).toISOString();
}
