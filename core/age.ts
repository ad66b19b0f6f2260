/**
 * True for what happened less than `ms` ago, by the wall clock: a monotonic one may stand still while a function or a laptop sleeps, and
 * what was withdrawn meanwhile would count on. By a clock that was set back it may be of any age, and is not.
 */
export function isWithin(at: number, ms: number, now: number): boolean {
  const age = now - at;
  return age >= 0 && age < ms;
}
