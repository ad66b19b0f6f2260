import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { eventLine, fingerprintOf, type OcsfEvent } from '#core/ocsf/event.ts';
import type { EventStep } from '#core/ocsf/step-event.ts';
import { NO_FACTS } from '#core/replay/facts.ts';
import type { ReadStep } from '#core/replay/reader.ts';
import {
  eventsOf,
  KUBERNETES_TARGET,
  kubernetesSteps,
  postgresSteps,
  SSH_STEPS,
  SSH_TARGET,
  sessionOf,
  sshSteps,
} from './support.ts';

const bare = async (): Promise<OcsfEvent[]> =>
  (await eventsOf(sessionOf(), postgresSteps())).map(({ event }) => event);

describe('the events of a session', () => {
  it('say what happened, each step once, with the numbers that steps have', async () => {
    const events = await eventsOf(sessionOf(), postgresSteps());
    const told = events.map(({ class: name, step, event }) => {
      const { activity_name, status } = event as unknown as Record<string, string>;
      return `${step} ${name} ${activity_name} ${status}`;
    });
    expect(told).toEqual([
      '0 authentication Logon Success',
      '0 authorize_session Assign Privileges Success',
      '1 datastore_activity Connect Success',
      '2 datastore_activity Read Success',
      '3 datastore_activity Update Success',
      '4 datastore_activity Query Failure',
      '5 detection_finding Create New',
      '6 datastore_activity Other Success',
      '7 authentication Logoff Success',
    ]);
    expect(events.map(({ event }) => event.metadata['sequence'])).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('name who, from where, to what, under which rule', async () => {
    const [, , , read] = await bare();
    expect(read).toMatchObject({
      time: Date.parse('2026-11-23T09:00:00.007Z'),
      actor: {
        user: { uid: 'dana', name: 'dana@example.com', email_addr: 'dana@example.com' },
        app_name: 'psql',
        authorizations: [{ decision: 'allowed', policy: { name: 'developers-work' } }],
      },
      src_endpoint: { ip: '203.0.113.7', port: 50000 },
      dst_endpoint: { ip: '127.0.0.1', port: 5432, name: 'orders-db' },
      database: { name: 'orders-db' },
      query_info: { query_string: "select email from customers where name = 'Mia'" },
      metadata: { version: '1.9.0', correlation_uid: sessionOf().open.value.session, event_code: 'query' },
      unmapped: { step: 2, kind: 'query', person: 'dana@example.com', is_error: false },
    });
  });

  it('of SSH are programs, files, tunnels and the session itself', async () => {
    const events = await eventsOf(sessionOf(SSH_TARGET), sshSteps());
    const told = events.slice(2, -1).map(({ event }) => event['type_name']);
    expect(told).toHaveLength(SSH_STEPS.length);
    expect([0, 1, 3, 4, 7, 8, 10, 12, 14, 19].map((at) => told[at])).toEqual([
      'SSH Activity: Open',
      'SSH Activity: Fail',
      'Process Activity: Launch',
      'Process Activity: Launch',
      'File System Activity: Read',
      'File System Activity: Rename',
      'Tunnel Activity: Open',
      'SSH Activity: Listen',
      'SSH Activity: Refuse',
      'SSH Activity: Close',
    ]);
    expect(events[6]!.event).toMatchObject({
      process: { cmd_line: '/usr/bin/make all', name: 'make' },
      exit_code: 2,
      device: { ip: '2001:db8::1', name: 'web-1' },
    });
    expect(events[9]!.event).toMatchObject({
      file: { name: 'orders.csv', path: '/srv/orders.csv', size: 12 },
    });
  });

  it('of Kubernetes are calls, programs, files, tunnels, and what passes through these', async () => {
    const events = await eventsOf(sessionOf(KUBERNETES_TARGET), kubernetesSteps());
    const told = events.slice(2, -1).map(({ event }) => event['type_name']);
    expect(told).toEqual([
      'API Activity: Other',
      'API Activity: Read',
      'API Activity: Delete',
      'API Activity: Other',
      'API Activity: Read',
      'API Activity: Read',
      'API Activity: Read',
      'Process Activity: Launch',
      'Process Activity: Launch',
      'File System Activity: Update',
      'Tunnel Activity: Open',
      'Datastore Activity: Write',
      'API Activity: Other',
      'API Activity: Other',
      'API Activity: Other',
    ]);
    expect(events[4]!.event).toMatchObject({
      ...{ status: 'Failure', status_code: '403', status_detail: 'refused' },
      api: { operation: 'delete pods dev/web-0', version: 'v1', response: { code: 403 } },
      http_request: { http_method: 'GET', url: { path: '/x' }, user_agent: 'kubectl/1.37' },
      resources: [{ type: 'pods', name: 'web-0', namespace: 'dev' }],
    });
    expect(events[9]!.event).toMatchObject({ process: { name: 'sh' }, exit_code: 7 });
  });

  it('are the same bytes each time', async () => {
    const [one, other] = [await bare(), await bare()];
    expect(one.map(eventLine)).toEqual(other.map(eventLine));
    expect(one.map(eventLine).every((line) => /^\{.*\}\n$/.test(line))).toBe(true);
  });

  it('hold no more than a line may, and say what was left out', async () => {
    const long = 'x'.repeat(100_000);
    async function* steps(): AsyncGenerator<EventStep> {
      const read = { step: { kind: 'query', at: 0, took: 0 } } as unknown as ReadStep;
      const facts = { ...NO_FACTS, text: long, values: Array(5_000).fill('value'), codes: ['1'] };
      yield { number: 1, read, facts };
    }
    const { event } = (await eventsOf(sessionOf(), steps()))[2]!;
    expect(eventLine(event).length).toBeLessThan(160_000);
    expect(event['unmapped']).toMatchObject({ cut: ['text', 'values'], codes: ['1'] });
  });
});

describe('the chain of events', () => {
  it('gives each a fingerprint that anyone computes, and names the one before', async () => {
    const events = await bare();
    for (const [at, event] of events.entries()) {
      const { fingerprint, prev_event, chain_uid } = event.attestation;
      expect(fingerprint.value).toBe(fingerprintOf(event));
      expect(chain_uid).toBe(sessionOf().open.value.session);
      expect(prev_event?.fingerprint.value).toBe(events[at - 1]?.attestation.fingerprint.value);
      expect(prev_event?.uid).toBe(events[at - 1]?.metadata.uid);
    }
  });

  it('is what a reader finds by hand in a line: SHA-256 of the line without fingerprint and signatures', async () => {
    const [first] = await bare();
    const line = JSON.parse(eventLine(first!)) as { attestation: Record<string, unknown> };
    const { fingerprint, signatures, ...place } = line.attestation;
    expect(signatures).toMatchObject([
      { digest: { value: '0'.repeat(64) }, serialization: 'custody/open/1' },
    ]);
    // Members are sorted already: what is left is canonical as JSON.stringify writes it.
    const text = JSON.stringify({ ...line, attestation: place });
    expect(createHash('sha256').update(text).digest('hex')).toBe((fingerprint as { value: string }).value);
  });

  it.each([
    ['what was said', (event: OcsfEvent) => ({ ...event, query_info: { query_string: 'select 1' } })],
    ['who it was', (event: OcsfEvent) => ({ ...event, actor: { user: { uid: 'mallory' } } })],
    [
      'what came before',
      (event: OcsfEvent) => {
        const { prev_event: _gone, ...attestation } = event.attestation;
        return { ...event, attestation };
      },
    ],
  ])('breaks where somebody changes %s', async (_what, change) => {
    const event = change((await bare())[3]!) as OcsfEvent;
    expect(fingerprintOf(event)).not.toBe(event.attestation.fingerprint.value);
  });

  it('carries the signatures of both statements, and the checkpoint as their witness where there is one', async () => {
    const checkpoint = { origin: 'ledger.example/custody', size: 12, rootHash: 'e'.repeat(64) };
    const events = await eventsOf({ ...sessionOf(), checkpoint }, postgresSteps());
    expect(events.at(-1)!.event.attestation.signatures).toMatchObject([
      { serialization: 'custody/close/1', digest: { value: '2'.repeat(64) } },
      { serialization: 'checkpoint of ledger.example/custody, 12 leaves', digest: { value: 'e'.repeat(64) } },
    ]);
    expect(events[3]!.event.attestation.signatures).toBeUndefined();
  });
});
