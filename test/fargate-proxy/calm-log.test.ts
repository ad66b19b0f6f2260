import { describe, expect, it } from 'vitest';
import { CustodyError, type ErrorCode } from '#core/errors.ts';
import { calmLog } from '#proxy/calm-log.ts';

/** A log with a clock that stands still until it is told. */
function calm() {
  const lines: string[] = [];
  const timers: { at: number; work: () => void }[] = [];
  let now = 0;
  const log = calmLog(
    (event, error, facts = {}) => lines.push(JSON.stringify({ event, code: error?.code, ...facts })),
    { now: () => now, later: (ms, work) => timers.push({ at: now + ms, work }) },
  );
  const pass = (ms: number): void => {
    now += ms;
    for (const { work } of timers.splice(0, timers.filter(({ at }) => at <= now).length)) work();
  };
  const refuse = (code: ErrorCode, client: string): void =>
    log('peer-refused', new CustodyError(code, 'no'), { client });
  return { lines, log, pass, refuse };
}

describe('a log under a flood (security case 16)', () => {
  it('has a few lines with addresses, and one for all the others', () => {
    const { lines, pass, refuse } = calm();
    for (let i = 0; i < 42_000; i += 1) refuse('peer-left', `10.0.${i % 7}.1:${i}`);
    expect(lines).toHaveLength(10);
    expect(JSON.parse(lines[3]!)).toEqual({ event: 'peer-refused', code: 'peer-left', client: '10.0.3.1:3' });
    pass(10_000);
    expect(lines).toHaveLength(11);
    expect(JSON.parse(lines[10]!)).toEqual({
      ...{ event: 'peer-refused-more', code: 'peer-left', more: 41_990, seconds: 10, addresses: 7 },
      example: '10.0.3.1',
    });
  });

  it('begins anew after each window, and says nothing of one in which nothing was left out', () => {
    const { lines, pass, refuse } = calm();
    for (let window = 0; window < 3; window += 1) {
      for (let i = 0; i < 10; i += 1) refuse('too-slow', '10.0.0.1:1');
      pass(10_000);
    }
    expect(lines).toHaveLength(30);
  });

  it('does not hide one reason behind another', () => {
    const { lines, refuse } = calm();
    for (let i = 0; i < 1_000; i += 1) refuse('too-many-connections', '10.0.0.1:1');
    refuse('token-invalid', '10.0.0.2:1');
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ code: 'token-invalid', client: '10.0.0.2:1' });
  });

  it('has a line for each refusal of a person, up to a bound, which is nobody else’s', () => {
    const { lines, log, pass } = calm();
    const refuse = (who: string, port: number): void =>
      log('refused', new CustodyError('access-denied', 'no'), { who, client: `10.0.0.1:${port}` });
    for (let i = 0; i < 500; i += 1) refuse('mallory', i);
    for (let i = 0; i < 20; i += 1) refuse('dana', i);
    expect(lines.filter((line) => line.includes('dana'))).toHaveLength(20);
    expect(lines).toHaveLength(40);
    pass(60_000);
    expect(JSON.parse(lines[40]!)).toMatchObject({ event: 'refused-more', more: 480 });
  });

  it('holds little, however many names and addresses there are', () => {
    const { lines, log, pass } = calm();
    for (let i = 0; i < 50_000; i += 1)
      log('refused', new CustodyError('access-denied', 'no'), { who: `name ${i}`, client: `10.0.0.1:${i}` });
    expect(lines.length).toBeLessThan(1_100);
    pass(60_000);
    expect(lines.length).toBeLessThan(1_200);
  });

  it('lets everything else pass', () => {
    const { lines, log } = calm();
    for (let i = 0; i < 100; i += 1) log('session-closed', undefined, { session: String(i) });
    expect(lines).toHaveLength(100);
  });
});
