import { gunzipSync } from 'node:zlib';
import type { EventStore } from '#core/ocsf/ports.ts';

/** Events in memory, with what a test looks at. */
export class MemoryEvents implements EventStore {
  readonly objects = new Map<string, Uint8Array>();
  readonly puts: string[] = [];

  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.puts.push(key);
    if (!this.objects.has(key)) this.objects.set(key, Uint8Array.from(bytes));
  }

  async replace(key: string, bytes: Uint8Array): Promise<void> {
    this.objects.set(key, Uint8Array.from(bytes));
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    return this.objects.get(key);
  }

  async list(prefix: string): Promise<readonly string[]> {
    const names = [...this.objects.keys()].filter((key) => key.startsWith(prefix));
    return names.map((key) => key.slice(prefix.length)).sort();
  }

  /** Every line of objects under a prefix. */
  lines(prefix: string): Record<string, unknown>[] {
    return linesOf([...this.objects].filter(([key]) => key.startsWith(prefix)).map(([, bytes]) => bytes));
  }
}

/** What objects of NDJSON.gz hold. */
export function linesOf(objects: readonly Uint8Array[]): Record<string, unknown>[] {
  return objects.flatMap((bytes) =>
    gunzipSync(bytes)
      .toString('utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  );
}
