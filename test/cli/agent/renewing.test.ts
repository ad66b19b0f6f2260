import { expect, it } from 'vitest';
import { keepRenewed } from '#cli/agent/renewing.ts';
import { CustodyError } from '#core/errors.ts';
import { idToken } from '../support.ts';

/** A clock that stands still until the next timer is let go off. */
function stand(answers: (string | Error)[]) {
  const state = { now: 1_000_000, kept: [] as string[], told: [] as string[], waits: [] as number[] };
  let next: (() => void) | undefined;
  const first = tokenFor(state.now, 600);
  const renewing = keepRenewed(first, {
    now: () => state.now,
    ask: async () => {
      const answer = answers.shift();
      if (typeof answer === 'string') return answer;
      throw answer ?? new Error('nobody asks any more');
    },
    keep: (token) => state.kept.push(token),
    onTrouble: (message) => state.told.push(message),
    later: (work, ms) => {
      state.waits.push(ms);
      next = () => {
        state.now += ms;
        work();
      };
      return { cancel: () => (next = undefined) };
    },
  });
  const goOff = async (): Promise<void> => {
    const work = next;
    next = undefined;
    work?.();
    await new Promise((done) => setImmediate(done));
  };
  return { ...state, state, renewing, goOff };
}

function tokenFor(now: number, seconds: number): string {
  return idToken({ exp: now / 1000 + seconds });
}

it('asks for the next token when two thirds of the time of the one before are over', async () => {
  const second = tokenFor(1_400_000, 300);
  const { state, goOff } = stand([second]);
  expect(state.waits).toEqual([400_000]);
  await goOff();
  expect([state.kept, state.waits]).toEqual([[second], [400_000, 200_000]]);
});

it('tries again where there is none, and says so once', async () => {
  const away = new CustodyError('token-missing', 'the issuer is away');
  const good = tokenFor(1_410_000, 300);
  const { state, goOff } = stand([away, away, good, away]);
  for (let times = 0; times < 4; times += 1) await goOff();
  expect(state.kept).toEqual([good]);
  expect(state.told).toEqual(['the issuer is away', 'the issuer is away']);
  expect(state.waits).toEqual([400_000, 5_000, 5_000, 200_000, 5_000]);
});

it('asks no more once it is stopped', async () => {
  const { state, renewing, goOff } = stand([tokenFor(1_400_000, 300)]);
  renewing.stop();
  await goOff();
  expect([state.kept, state.told]).toEqual([[], []]);
});
