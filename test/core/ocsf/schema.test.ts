import { describe, expect, it } from 'vitest';
import { CLASSES, classFields, type EventClass } from '#core/ocsf/classes.ts';
import type { PlacedEvent } from '#core/ocsf/session-events.ts';
import { hasOcsf, schemaOf } from '#test/support/ocsf.ts';
import {
  eventsOf,
  KUBERNETES_TARGET,
  kubernetesSteps,
  postgresSteps,
  SSH_TARGET,
  sessionOf,
  sshSteps,
} from './support.ts';

const AGENT = {
  issuer: 'https://id.example',
  subject: 'dana',
  groups: [],
  groupsOmitted: 0,
  actors: [{ issuer: 'https://id.example/workloads', subject: 'agent-7' }],
};
const TASK = {
  run: '0190a5d0-0000-7000-8000-000000000000',
  workflow: 'refunds',
  digest: 'd'.repeat(64),
  name: 'find',
};

describe.runIf(hasOcsf())("OCSF's published schema", () => {
  const names = Object.keys(CLASSES) as EventClass[];
  const schemas = new Map(hasOcsf() ? names.map((name) => [name, schemaOf(name)] as const) : []);

  function refusals({ class: name, event }: PlacedEvent): string[] {
    const validate = schemas.get(name)!;
    if (validate(event)) return [];
    return validate.errors!.map((error) => `${name}${error.instancePath}: ${error.message}`);
  }

  async function all(): Promise<PlacedEvent[]> {
    const checkpoint = { origin: 'ledger.example/custody', size: 12, rootHash: 'e'.repeat(64) };
    return [
      ...(await eventsOf({ ...sessionOf(), checkpoint }, postgresSteps())),
      ...(await eventsOf(sessionOf({ principal: AGENT, task: TASK }), postgresSteps())),
      ...(await eventsOf(sessionOf(SSH_TARGET), sshSteps())),
      ...(await eventsOf(sessionOf({ ...SSH_TARGET, principal: AGENT }), sshSteps())),
      ...(await eventsOf(sessionOf(KUBERNETES_TARGET), kubernetesSteps())),
      ...(await eventsOf(sessionOf({ ...KUBERNETES_TARGET, principal: AGENT }), kubernetesSteps())),
    ];
  }

  it('takes an event of every class and kind', async () => {
    const events = await all();
    expect(events.flatMap(refusals)).toEqual([]);
    expect(new Set(events.map((event) => event.class))).toEqual(new Set(names));
    // Through JSON as it is written, too.
    const written = JSON.parse(JSON.stringify(events)) as PlacedEvent[];
    expect(written.flatMap(refusals)).toEqual([]);
  });

  it('knows each activity that a class may have here', () => {
    for (const [name, { uid, activities }] of Object.entries(CLASSES)) {
      const { properties } = schemas.get(name as EventClass)!.schema as {
        properties: Record<string, { enum?: number[]; const?: number }>;
      };
      for (const activity of Object.keys(activities).map(Number)) {
        const fields = classFields(name as EventClass, activity);
        expect(properties['activity_id']!.enum, name).toContain(activity);
        expect(properties['type_uid']!.enum ?? [fields.type_uid], name).toContain(uid * 100 + activity);
        expect(fields.activity_name === 'Other').toBe(activity === 99);
      }
    }
  });

  it.each<[what: string, broken: (event: Record<string, unknown>) => void]>([
    ['an attribute that the class has not', (event) => (event['custody'] = 1)],
    ['no metadata', (event) => delete event['metadata']],
    ['a time that is a text', (event) => (event['time'] = '2026-11-23')],
    ['an activity that nobody knows', (event) => (event['activity_id'] = 55)],
    ['an attestation of nothing', (event) => (event['attestation'] = { chain_uid: 'x' })],
    [
      'a fingerprint without its algorithm',
      (event) => (event['attestation'] = { fingerprint: { value: 'x' } }),
    ],
    ['a person who is nobody', (event) => (event['actor'] = { user: { type_id: 1 } })],
    ['a severity of its own', (event) => (event['severity_id'] = 7)],
  ])('refuses %s', async (_what, broken) => {
    for (const { class: name, event, step } of (await all()).slice(2, 4)) {
      const copy = structuredClone(event) as unknown as Record<string, unknown>;
      broken(copy);
      expect(refusals({ class: name, event: copy as never, step })).not.toEqual([]);
    }
  });
});
