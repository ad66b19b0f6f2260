/** Calls once the time is over; what it returns calls it off. No process stays for it. */
export function afterwards(ms: number, over: () => void): () => void {
  const timer = setTimeout(over, ms).unref();
  return () => clearTimeout(timer);
}
