import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { localPulses } from '#adapters/local/pulses.ts';
import { PULSE_KNOWN_MS } from '#core/status/pulse.ts';
import { pulsesContract } from '#test/contract/pulses.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'custody-pulses-'));
  folders.push(made);
  return made;
}

pulsesContract('SQLite', () => {
  const shared = folder();
  return () => localPulses(shared);
});

describe('localPulses', () => {
  it('forgets processes that ended long ago: each start of a gateway has a name of its own', async () => {
    const pulses = localPulses(folder());
    await pulses.tell({ process: 'old', at: new Date(1), refused: [] });
    await pulses.tell({ process: 'new', at: new Date(PULSE_KNOWN_MS + 2), refused: [] });
    expect((await pulses.since(new Date(0))).map(({ process }) => process)).toEqual(['new']);
  });
});
