import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { metricsOfProxy } from '#proxy/metrics.ts';

describe('the metrics of the proxy', () => {
  it('are told by name, unit and service, each time as they are then', () => {
    for (const name of ['POWERTOOLS_DEV', 'POWERTOOLS_METRICS_DISABLED']) {
      vi.stubEnv(name, String(name === 'POWERTOOLS_DEV'));
    }
    const said: object[] = [];
    const log = vi
      .spyOn(console, 'log')
      .mockImplementation((line: string) => void said.push(JSON.parse(line) as object));
    onTestFinished(() => {
      log.mockRestore();
      vi.unstubAllEnvs();
    });
    const publish = metricsOfProxy();
    publish({ ActiveSessions: 2, JournalLagMs: 40 });
    publish({ ActiveSessions: 0 });
    expect(said).toMatchObject([
      {
        service: 'proxy',
        ActiveSessions: 2,
        JournalLagMs: 40,
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: 'Custody',
              Dimensions: [['service']],
              Metrics: [
                { Name: 'ActiveSessions', Unit: 'Count' },
                { Name: 'JournalLagMs', Unit: 'Milliseconds' },
              ],
            },
          ],
        },
      },
      { service: 'proxy', ActiveSessions: 0 },
    ]);
    expect(said[1]).not.toHaveProperty('JournalLagMs');
  });
});
