/** What a gateway looks after for as long as it runs. */
import type { Config } from '#core/access/config.ts';
import { configWarnings } from '#core/access/config-warnings.ts';
import type { PolicyInForce, RefusedConfig } from '#core/access/policy.ts';
import { asCustodyError, CustodyError } from '#core/errors.ts';
import type { TokenVerifier } from '#core/identity/principal.ts';
import { lengthOf } from '#core/identity/token-times.ts';
import { toldStanding } from '#core/identity/told-standing.ts';
import type { Certificate } from './certificate.ts';
import type { Gateway } from './gateway.ts';
import type { Log } from './log.ts';
import type { CancelKeys } from './protocols/postgres/cancel.ts';
import { LOOK_EVERY_MS, SessionWatch } from './session-watch.ts';
import type { RelaySurroundings } from './surroundings.ts';

const CERTIFICATE_EVERY_MS = 5 * 60_000;
const ISSUERS_EVERY_MS = 60_000;

/** Looks for a changed configuration, and twice a second after every session and for cancels from other tasks. */
export function keepWatch(
  policy: PolicyInForce,
  {
    configEveryMs,
    watched,
    terminations,
    runs,
    presence,
    watchedLogouts,
    watchedDevices,
    directory,
  }: RelaySurroundings,
  gateway: Gateway,
  keys: CancelKeys,
  log: Log,
): void {
  const watch = new SessionWatch({
    policy,
    requests: watched,
    terminations,
    runs,
    presence,
    standing: toldStanding({
      policy: () => policy.config,
      logouts: watchedLogouts,
      devices: watchedDevices,
      store: directory,
    }),
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

/** What tells of issuers that are away. */
interface IssuerContact {
  refresh(): Promise<void>;
  away(): readonly { readonly issuer: string; readonly ms: number; readonly why: string }[];
}

/**
 * Keeps the keys of issuers fresh, so that no login waits for them, and says each minute which of them have not answered for
 * long: their last keys serve on, and not for ever.
 */
export function watchIssuers(verifier: () => TokenVerifier, contact: IssuerContact, log: Log): void {
  const look = async (): Promise<void> => {
    verifier(); // makes those that the configuration names now
    await contact.refresh();
    for (const { issuer, ms, why } of contact.away()) {
      const message = `an issuer has not answered for ${lengthOf(ms)}`;
      log('issuer-away', new CustodyError('issuer-unreachable', message, { detail: why }), { issuer });
    }
  };
  const tick = (): void => void look().catch((error: unknown) => log('watch-failed', asCustodyError(error)));
  tick();
  setInterval(tick, ISSUERS_EVERY_MS).unref();
}

function sayNews(news: Config | RefusedConfig | undefined, log: Log): void {
  if (news === undefined) return;
  if (!('version' in news)) return log('config-refused', news.error);
  log('config-in-force', undefined, { policy: news.version });
  sayWarnings(news, log);
}

/** What should not stay as it is, and was taken all the same. */
export function sayWarnings(config: Config, log: Log): void {
  for (const warning of configWarnings(config))
    log('config-open', new CustodyError('config-invalid', warning));
}
