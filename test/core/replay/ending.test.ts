import { describe, expect, test } from 'vitest';
import * as backend from '#core/protocols/postgres/backend.ts';
import { terminate } from '#core/protocols/postgres/frontend.ts';
import { type CloseReason, closeReasons } from '#core/recording/format.ts';
import { endingWords } from '#core/replay/ending.ts';
import { REPLAY_LIMITS, type Step } from '#core/replay/postgres/step.ts';
import { postgresSteps } from '#core/replay/postgres/steps.ts';
import { framesOf, LOGIN, type Said, server } from './support.ts';

async function endOf(said: readonly Said[], reason?: CloseReason): Promise<Step> {
  const steps: Step[] = [];
  for await (const step of postgresSteps(framesOf([...LOGIN, ...said]), REPLAY_LIMITS, () => ({ reason })))
    steps.push(step);
  return steps.at(-1)!;
}

describe('the last step', () => {
  test.each(closeReasons)(
    '%s: says who ended the session, and not the client unless it did',
    async (reason) => {
      const { kind, text } = await endOf([], reason);
      expect(kind).toBe('end');
      expect(text).toBe(endingWords({ reason }));
      expect(text!.startsWith('the client')).toBe(reason.startsWith('client-'));
      expect(text!.includes('operator')).toBe(reason === 'terminated');
    },
  );

  test('nobody says it of a session that goes on', async () => {
    expect((await endOf([])).text).toBe('nothing says how it ended: it goes on, or was not sealed');
  });

  test('what the close statement says wins over a goodbye that the target did not wait for', async () => {
    expect((await endOf([['client', terminate()]], 'terminated')).text).toBe('an operator ended it');
  });

  test('says in the middle of what it ended', async () => {
    const row = server.row('x'.repeat(100));
    const query = Uint8Array.of(0x51, 0, 0, 0, 50, 0x73);
    const said: Said[] = [
      ['client', query],
      ['target', row.subarray(0, 60)],
    ];
    expect((await endOf(said, 'target-lost')).text).toBe(
      'the target went away without a word; in the middle of a message of the client (1 of 46 bytes); in the middle of a message of the target (55 of 106 bytes)',
    );
    expect((await endOf([['target', row.subarray(0, 3)]], 'recovered')).text).toMatch(
      /in the middle of a message of the target$/,
    );
  });

  test('a target that goes on after the gateway ended it within a message is damage', async () => {
    const row = server.row('x'.repeat(100));
    const fatal = backend.errorResponse({ severity: 'FATAL', sqlstate: '57P01', message: 'ended' });
    const steps: Step[] = [];
    const said: Said[] = [
      ['target', row.subarray(0, 60)],
      ['gateway', fatal],
      ['target', row.subarray(60)],
      ['target', server.ready],
    ];
    for await (const step of postgresSteps(framesOf([...LOGIN, ...said]))) steps.push(step);
    expect(steps.map(({ text, kind }) => text ?? kind).slice(-3)).toEqual([
      'unmatched',
      'the server went on in a message that was cut off',
      'the recording ends here',
    ]);
  });
});
