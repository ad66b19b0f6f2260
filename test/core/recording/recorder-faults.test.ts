import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sessionPrefix } from '#core/recording/layout.ts';
import { readFrames } from '#core/recording/read.ts';
import { type SealerPorts, sealAbandoned } from '#core/recording/seal.ts';
import { verifyEvidence } from '#core/recording/verify/verify.ts';
import { FaultRun, frameText, points, type RunSession, type Step } from '#test/support/fault-run.ts';
import { Faults, faultKinds, type PlannedFault } from '#test/support/faulty-ports.ts';

const SESSIONS = 3;
const RUNS_PER_CASE = 12;
const NOW = new Date('2026-11-23T10:00:00.000Z');

interface Scenario {
  readonly plan: readonly PlannedFault[];
  readonly steps: readonly Step[];
  /** Steps that a session that failed goes on for. */
  readonly goodbye: number;
  readonly ends: 'closed' | 'killed' | 'killed while it waits';
  readonly sealerPlan: readonly PlannedFault[];
}

const tape = fc.integer({ min: 1, max: SESSIONS });
const frames = fc.array(fc.record({ tape, size: fc.integer({ min: 12, max: 2000 }) }), {
  minLength: 1,
  maxLength: 6,
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ do: fc.constant('record' as const), frames }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('put-aged' as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('close' as const), tape }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('record-much' as const), tape }) },
);

function faultAt(point: fc.Arbitrary<string>, kind: fc.Arbitrary<PlannedFault['kind']>) {
  return fc.record({ point, kind, nth: fc.integer({ min: 1, max: 5 }) });
}

function scenarios(plan: fc.Arbitrary<readonly PlannedFault[]>): fc.Arbitrary<Scenario> {
  const sealerFault = faultAt(
    fc.constantFrom('store.put', 'signer.sign', 'index.closed', 'leaves.add'),
    fc.constantFrom('lost' as const, 'persisted-but-errored' as const, 'full-disk' as const),
  );
  return fc.record({
    plan,
    steps: fc.array(step, { minLength: 4, maxLength: 12 }),
    goodbye: fc.integer({ min: 0, max: 3 }),
    ends: fc.constantFrom('closed' as const, 'killed' as const, 'killed while it waits' as const),
    sealerPlan: fc.array(sealerFault, { maxLength: 1 }),
  });
}

/** Plays the scenario to the gateway's end. */
async function play({ plan, steps, goodbye, ends }: Scenario): Promise<FaultRun> {
  const run = new FaultRun(plan, SESSIONS, goodbye);
  await run.openAll();
  for (const step of steps) await run.take(step);
  if (ends !== 'killed while it waits') await run.release();
  if (ends === 'closed') {
    await run.closeAll();
    await run.release();
  }
  run.crash();
  return run;
}

/** A sealer that fails as well, and then one that does not. */
async function seal(run: FaultRun, plan: readonly PlannedFault[]): Promise<void> {
  const { store, signer, index, leaves } = run;
  const faults = new Faults(plan);
  const failing: SealerPorts = {
    store: faults.wrap('store', store, { calls: ['put'] }),
    signer: faults.wrap('signer', signer, { calls: ['sign'], onDisk: false }),
    index: faults.wrap('index', index, { calls: ['closed'] }),
    leaves: faults.wrap('leaves', leaves, { calls: ['add'] }),
  };
  await sealAbandoned(run.journal.tails(), failing, NOW);
  const sealing = await sealAbandoned(run.journal.tails(), run, new Date(NOW.getTime() + 60_000));
  expect(sealing.failures).toEqual([]);
  expect(await index.unsealed()).toEqual([]);
}

/** Every session whose calls failed has ended with an error that says so, or waits; no other has an error. */
function expectVisible({ sessions, touched, faults }: FaultRun, { ends }: Scenario): void {
  const isSilent = faults.injected.some(({ kind }) => kind.endsWith('dead'));
  for (const { id, errors, pending, outcome } of sessions) {
    expect(errors.map(({ code }) => code).filter((code) => code !== 'recording-failed')).toEqual([]);
    if (touched.has(id)) expect(errors.length + pending).toBeGreaterThan(0);
    else expect(errors).toEqual([]);
    if (isSilent || ends === 'killed while it waits') continue;
    expect(pending).toBe(0);
    if (ends === 'closed' && !touched.has(id)) expect(outcome?.recovered).toBe(false);
  }
}

async function framesOf({ store }: FaultRun, names: readonly string[], id: string): Promise<string[]> {
  const read: string[] = [];
  for (const name of names.filter((name) => name.endsWith('.seg'))) {
    const segment = await store.get(sessionPrefix(id) + name);
    for (const { payload } of readFrames(segment)) read.push(frameText(payload));
  }
  return read;
}

/** What is stored verifies, is a beginning of what was recorded, and holds all that was called durable. */
async function expectEvidence(run: FaultRun, session: RunSession): Promise<void> {
  const { id, recorded, acknowledged, outcome } = session;
  const names = await run.store.list(sessionPrefix(id));
  const isOpened = names.includes('open.json');
  expect(isOpened || !session.opened).toBe(true);
  const kinds = [...run.leaves.added].filter((leaf) => leaf.includes(id)).map(kindOf);
  if (!isOpened) {
    expect([names.filter((name) => name !== 'open.json.sig'), recorded, kinds]).toEqual([[], [], []]);
    return;
  }
  const folder = run.store.evidence(id, run.signer.pem);
  const { verdict, findings } = await verifyEvidence(folder, {
    trustedSigners: [run.signer.der],
    session: id,
  });
  expect({ verdict, findings }).toEqual({ verdict: 'verified', findings: [] });
  const stored = await framesOf(run, names, id);
  expect(stored).toEqual(recorded.slice(0, stored.length));
  expect(stored.length).toBeGreaterThanOrEqual(acknowledged);
  if (outcome !== undefined) expect(stored.length).toBe(outcome.frames);
  expect(kinds).toEqual(['session-opened', expect.stringMatching(/^session-(?:closed|recovered)$/)]);
}

function kindOf(leaf: string): string {
  return (JSON.parse(leaf) as { kind: string }).kind;
}

/** How many faults were injected. */
async function check(scenario: Scenario): Promise<number> {
  const run = await play(scenario);
  expectVisible(run, scenario);
  await seal(run, scenario.sealerPlan);
  for (const session of run.sessions) await expectEvidence(run, session);
  return run.faults.injected.length;
}

describe('a recorder', () => {
  it('calls nothing durable that follows on what was lost, and names the session each time', async () => {
    const run = new FaultRun([{ point: 'journal.append', nth: 2, kind: 'lost' }], 2, 9);
    const both = { do: 'record', frames: [1, 2].map((tape) => ({ tape, size: 12 })) } as const;
    const first = { ...both, frames: both.frames.slice(0, 1) };
    await run.openAll();
    for (const step of [both, first, both, first]) await run.take(step);
    expect(run.sessions.map(({ acknowledged, errors }) => [acknowledged, errors.length])).toEqual([
      [1, 3],
      [2, 0],
    ]);
    run.crash();
    await seal(run, []);
    for (const session of run.sessions) await expectEvidence(run, session);
  });
});

describe.each(faultKinds)('a recorder whose port is %s', (kind) => {
  it.each(points)('at %s', async (point) => {
    let injected = 0;
    const plan = fc.tuple(faultAt(fc.constant(point), fc.constant(kind)));
    await fc.assert(
      fc.asyncProperty(scenarios(plan), async (scenario) => {
        injected += await check(scenario);
      }),
      { numRuns: RUNS_PER_CASE, seed: 3 },
    );
    // A full disk is none to a signer: nothing of it is on the disk.
    if (kind !== 'full-disk' || !point.startsWith('signer')) expect(injected).toBeGreaterThan(0);
  });
});

describe('a recorder with several faults', () => {
  it('loses no frame that it called durable, doubles none, and ends what it cannot record', async () => {
    const fault = faultAt(fc.constantFrom(...points), fc.constantFrom(...faultKinds));
    await fc.assert(
      fc.asyncProperty(scenarios(fc.array(fault, { minLength: 2, maxLength: 4 })), async (scenario) => {
        await check(scenario);
      }),
      { numRuns: 60 },
    );
  });
});
