/** What is told about access: by webhooks, and on the terminal. */
import { webhookPost } from '#adapters/webhook/post.ts';
import { readSecretFile } from '#adapters/webhook/secret-file.ts';
import type { NewsStream } from '#core/access/news.ts';
import { nameOf } from '#core/access/person.ts';
import type { PolicyInForce } from '#core/access/policy.ts';
import type { DeliveryQueue } from '#core/notify/deliveries.ts';
import type { Running } from '../supervisor/running.ts';
import { now, trouble } from './keeping.ts';
import { keepDelivering } from './notifier.ts';

export async function deliver(
  running: Running,
  policy: PolicyInForce,
  queue: DeliveryQueue,
  say: (line: string) => void,
): Promise<void> {
  const webhooks = () => policy.config.webhooks;
  const console = () => policy.config.console;
  const secrets = { readSecret: readSecretFile, random: Math.random, busy: new Set<string>() };
  const ports = { webhooks, console, queue, sender: webhookPost(), ...secrets };
  const delivering = keepDelivering(ports, now, trouble('webhooks cannot be delivered', say));
  await running.add(() => delivering.stop());
}

/** Whoever watches the terminal hears an alarm also where no webhook is. */
export function sayAlarms(stream: NewsStream, say: (line: string) => void): NewsStream {
  return {
    tell: async (news) => {
      if (news.alarm) {
        const { kind, request, target, requester, reason = '' } = news;
        say(`ALARM: ${JSON.stringify({ kind, request, target, by: nameOf(requester), reason })}`);
      }
      await stream.tell(news);
    },
  };
}
