import { MetricUnit } from '@aws-lambda-powertools/metrics';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { instrumented, telemetryFor } from '#lambdas/telemetry.ts';
import { contextFor } from '#test/support/api-gateway.ts';

const TOKEN = 'the-token';
const ANSWER = 'what people did';

/** Everything that is said from now on. */
function hearing(): readonly string[] {
  const said: string[] = [];
  const methods = (['log', 'info', 'warn', 'error', 'debug'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation((...words: unknown[]) => void said.push(words.join(' '))),
  );
  onTestFinished(() => methods.forEach((method) => method.mockRestore()));
  return said;
}

describe('what a function tells of itself', () => {
  beforeEach(() => {
    // Through the console, where a test can hear it; and as talkative as somebody may make it who looks for a fault.
    vi.stubEnv('POWERTOOLS_DEV', 'true');
    vi.stubEnv('POWERTOOLS_METRICS_DISABLED', 'false');
    vi.stubEnv('POWERTOOLS_LOG_LEVEL', 'DEBUG');
    vi.stubEnv('POWERTOOLS_LOGGER_LOG_EVENT', 'true');
    onTestFinished(() => void vi.unstubAllEnvs());
  });

  it('is neither the event nor the answer, also where the environment asks for them (security case 15)', async () => {
    const said = hearing();
    const telemetry = telemetryFor('test');
    const handler = instrumented<object, string>(telemetry, async () => {
      telemetry.logger.info('working');
      telemetry.metrics.addMetric('Worked', MetricUnit.Count, 1);
      return ANSWER;
    });
    expect(await handler({ headers: { authorization: TOKEN } }, contextFor())).toBe(ANSWER);
    expect(said.join('\n')).toContain('working');
    expect(said.join('\n')).toContain('"Worked"');
    expect(said.join('\n')).not.toContain(TOKEN);
    expect(said.join('\n')).not.toContain(ANSWER);
  });

  it('is not the event of a call that failed either, and the failure is Lambda’s to count (security case 15)', async () => {
    const said = hearing();
    const handler = instrumented<object, string>(telemetryFor('test'), () =>
      Promise.reject(new Error('it broke')),
    );
    await expect(handler({ headers: { authorization: TOKEN } }, contextFor())).rejects.toThrow('it broke');
    expect(said.join('\n')).not.toContain(TOKEN);
  });

  it('is code, words and detail of a fault, and not what lies beneath, which is not ours to judge (security case 15)', () => {
    const said = hearing();
    const cause = Object.assign(new Error(`bad header ${TOKEN}`), { request: TOKEN });
    const error = new CustodyError('store-unavailable', 'cannot reach it', { detail: 'AccessDenied', cause });
    telemetryFor('test').log(error);
    expect(JSON.parse(said[0]!)).toMatchObject({
      level: 'ERROR',
      message: 'cannot reach it',
      code: 'store-unavailable',
      detail: 'AccessDenied',
      service: 'test',
    });
    expect(said.join('\n')).not.toContain(TOKEN);
  });

  it('shows what a client sent as escapes, wherever it stands (security case 18)', () => {
    const said = hearing();
    const hostile = 'a\u009b31m\u202eb';
    telemetryFor('test').log(new CustodyError('internal', `no ${hostile}`, { detail: `at\n${hostile}` }));
    expect(said.join('\n')).not.toMatch(/[\u0080-\u009f\u202a-\u202e]/);
    expect(JSON.parse(said[0]!)).toMatchObject({
      message: String.raw`no a\x9b31m\u202eb`,
      detail: `at\n${String.raw`a\x9b31m\u202eb`}`,
    });
  });

  it('is an alarm, by its name and service', async () => {
    const said = hearing();
    const telemetry = telemetryFor('test');
    await instrumented<object, void>(telemetry, async () => telemetry.alarm())({}, contextFor());
    const told = said.map((line) => JSON.parse(line) as object).find((one) => 'BreakGlass' in one);
    expect(told).toMatchObject({ BreakGlass: 1, service: 'test' });
  });
});
