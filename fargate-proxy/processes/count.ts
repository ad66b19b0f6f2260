/** One for the parent, the kernel and PostgreSQL's share; where there are only two, a second gateway would wait for the first. */
export function usualProcesses(cores: number): number {
  return cores <= 2 ? 1 : cores - 1;
}
