import { CustodyError } from '../errors.ts';
import type { Delivery, DeliveryQueue, Next } from './deliveries.ts';
import { retryAt } from './retry.ts';
import { attemptHeaders, type Headers, signatureHeader, signingKey } from './sign.ts';
import { render } from './templates.ts';
import type { Webhook } from './webhook.ts';

export interface PostWebhook {
  /**
   * Posts once and resolves with the status of the answer, within seconds. Follows no redirect. Rejects where there is no
   * answer: with a CustodyError whose words name neither the URL nor anything that was sent.
   */
  post(url: string, headers: Headers, body: string): Promise<number>;
}

export interface DeliveryPorts {
  readonly queue: DeliveryQueue;
  /** As custody.yaml has them now. */
  readonly webhooks: () => readonly Webhook[];
  /** Where people open the console now, for links to it. */
  readonly console: () => string | undefined;
  /** Gives a secret without the white space around it. Rejects with a CustodyError that is safe to show. */
  readonly readSecret: (file: string) => Promise<string>;
  readonly sender: PostWebhook;
  /** 0 to 1. */
  readonly random: () => number;
  /** The webhooks that somebody in this process delivers to: one set for all calls, which leave them to each other. */
  readonly busy: Set<string>;
}

/** What came of one attempt. */
export interface Attempt {
  readonly webhook: string;
  readonly outcome: 'delivered' | 'failed' | 'dead';
  /** Absent when it was delivered. */
  readonly problem?: string;
}

/** As many posts to one webhook run at once. */
const AT_ONCE = 8;
/** Longer than an attempt takes. Whoever dies in one keeps it from the next for so long. */
const HOLD_MS = 60_000;

/**
 * Makes one attempt at what is due, at most eight for each webhook. Does not wait for webhooks that an earlier call is busy
 * with: call it every second, whether or not the call before has returned. Rejects when the queue does, after all attempts.
 */
export async function deliverDue(ports: DeliveryPorts, now: () => Date): Promise<readonly Attempt[]> {
  const at = now();
  const until = new Date(at.getTime() + HOLD_MS);
  const taken = await ports.queue.take({ now: at, until, limit: AT_ONCE, except: ports.busy });
  const groups = [...Map.groupBy(taken, ({ webhook }) => webhook)];
  const attempts = await allOf(groups.map(([name, deliveries]) => deliverTo(name, deliveries, ports, now)));
  return attempts.flat();
}

async function deliverTo(
  name: string,
  deliveries: readonly Delivery[],
  ports: DeliveryPorts,
  now: () => Date,
): Promise<readonly Attempt[]> {
  ports.busy.add(name);
  try {
    return await allOf(deliveries.map((delivery) => deliver(delivery, ports, now)));
  } finally {
    ports.busy.delete(name);
  }
}

async function deliver(delivery: Delivery, ports: DeliveryPorts, now: () => Date): Promise<Attempt> {
  const problem = await problemOf(delivery, ports, now);
  const { id, webhook, failures } = delivery;
  if (problem === undefined) {
    await ports.queue.delivered(id);
    return { webhook, outcome: 'delivered' };
  }
  const nextAt = problem.final ? undefined : retryAt(failures + 1, now(), ports.random());
  const next: Next = nextAt === undefined ? { dead: true } : { nextAt };
  await ports.queue.failed(id, next, problem.words);
  return { webhook, outcome: nextAt === undefined ? 'dead' : 'failed', problem: problem.words };
}

interface Problem {
  readonly words: string;
  /** Another attempt would be no better. */
  readonly final: boolean;
}

/** Makes the attempt. Undefined: it arrived. */
async function problemOf(
  { webhook: name, news }: Delivery,
  ports: DeliveryPorts,
  now: () => Date,
): Promise<Problem | undefined> {
  const webhook = ports.webhooks().find((one) => one.name === name);
  if (webhook === undefined) return { words: 'the webhook is gone from custody.yaml', final: true };
  try {
    const body = render(webhook.format, news, ports.console());
    const headers = await headersOf(webhook, news.id, now, body, ports);
    return problemWith(await ports.sender.post(webhook.url, headers, body));
  } catch (thrown) {
    return { words: wordsOf(thrown), final: false };
  }
}

/** Where there is a secret file there is a signature, or an error (security case 5). */
async function headersOf(
  { secretFile, secret = secretFile }: Webhook,
  id: string,
  now: () => Date,
  body: string,
  { readSecret }: DeliveryPorts,
): Promise<Headers> {
  const type = { 'content-type': 'application/json' };
  const key = secret === undefined ? undefined : signingKey(await readSecret(secret));
  const at = now();
  const signature = key === undefined ? {} : signatureHeader(key, id, at, body);
  return { ...type, ...attemptHeaders(id, at), ...signature };
}

function problemWith(status: number): Problem | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status === 410) return { words: 'it answered 410: it wants no more of this', final: true };
  return { words: `it answered ${status}`, final: false };
}

/** Words of anything else than a CustodyError may name the URL or hold a secret: nobody sees them (security case 15). */
function wordsOf(thrown: unknown): string {
  return thrown instanceof CustodyError ? thrown.message : 'the attempt failed inside of the gateway';
}

/** All results; or, after all have settled, the first error. */
async function allOf<T>(promises: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
