/** What a target's `redact` leaves out of steps, and that they keep their shape. */
import { expect, it } from 'vitest';
import { kubernetesStepShape } from '#core/replay/kubernetes/shape.ts';
import { READERS } from '#core/replay/readers.ts';
import { loadRedaction } from '#core/replay/redact/redaction.ts';
import { PODS, pod, stepsOf, Tape } from './support.ts';

it('patterns leave out what matches in names, bodies and changes, also under names of fields', async () => {
  const tape = new Tape();
  tape.call({ target: `${PODS}/a` }, 200, pod('a', { spec: { kind: 'hunter1', by: 'x' } }));
  const body = '{"spec":{"kind":"hunter2"}}';
  tape.call(
    { method: 'PATCH', target: `${PODS}/a?why=hunter3`, body },
    200,
    pod('a', { spec: { kind: 'hunter4' } }),
  );
  const redaction = (await loadRedaction('kubernetes', { columns: [], patterns: ['hunter\\d'] }))!;
  const reader = READERS.get('kubernetes')!;
  const left = (await stepsOf(tape)).map((step) => redaction.json({ ...step }));
  expect(JSON.stringify(left)).not.toMatch(/hunter/);
  for (const step of left) {
    expect(kubernetesStepShape.safeParse(step).error).toBeUndefined();
    expect(reader.ofJson(step).toText(100)).not.toMatch(/hunter/);
  }
  expect(left.filter(({ redacted }) => redacted).length).toBe(2);
});
