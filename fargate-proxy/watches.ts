/** What a gateway looks after for as long as it runs. */
import type { Config } from '#core/access/config.ts';
import type { PolicyInForce, RefusedConfig } from '#core/access/policy.ts';
import { asCustodyError } from '#core/errors.ts';
import { logoutStanding } from '#core/identity/logouts.ts';
import { scimStanding } from '#core/identity/scim/standing.ts';
import { anyStanding } from '#core/identity/standing.ts';
import type { Certificate } from './certificate.ts';
import type { Gateway } from './gateway.ts';
import type { Log } from './log.ts';
import type { CancelKeys } from './protocols/postgres/cancel.ts';
import { LOOK_EVERY_MS, SessionWatch } from './session-watch.ts';
import type { RelaySurroundings } from './surroundings.ts';

const CERTIFICATE_EVERY_MS = 5 * 60_000;

/** Looks for a changed configuration, and twice a second after every session and for cancels from other tasks. */
export function keepWatch(
  policy: PolicyInForce,
  { configEveryMs, watched, terminations, watchedLogouts, directory }: RelaySurroundings,
  gateway: Gateway,
  keys: CancelKeys,
  log: Log,
): void {
  const watch = new SessionWatch({
    policy,
    requests: watched,
    terminations,
    standing: anyStanding(
      logoutStanding(watchedLogouts, () => policy.config.issuers),
      scimStanding({ policy: () => policy.config, store: directory }),
    ),
    sessions: () => gateway.sessions,
    wallClock: () => new Date(),
    monotonic: () => performance.now(),
    onTrouble: (error) => log('watch-failed', error),
  });
  setInterval(() => {
    watch.tick();
    keys.takeWishes().catch((error: unknown) => log('cancel-failed', asCustodyError(error)));
  }, LOOK_EVERY_MS).unref();
  setInterval(() => {
    policy.check().then(
      (news) => sayNews(news, log),
      (error: unknown) => log('config-refused', asCustodyError(error)),
    );
  }, configEveryMs).unref();
}

/** Renewed certificates are taken where they are: a new task would have to wait until old ones have no sessions. */
export function watchCertificate(certificate: Certificate, log: Log): void {
  setInterval(() => {
    certificate.look().then(
      (renewed) => renewed && log('certificate-in-force'),
      (error: unknown) => log('certificate-refused', asCustodyError(error)),
    );
  }, CERTIFICATE_EVERY_MS).unref();
}

function sayNews(news: Config | RefusedConfig | undefined, log: Log): void {
  if (news === undefined) return;
  if ('version' in news) log('config-in-force', undefined, { policy: news.version });
  else log('config-refused', news.error);
}
