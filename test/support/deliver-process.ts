/**
 * Delivers what is due in a folder to one webhook, once: `node deliver-process.ts FOLDER URL TIME`. TIME: milliseconds since
 * 1970. Prints what came of it.
 */
import { localDeliveries } from '#adapters/local/deliveries.ts';
import { webhookPost } from '#adapters/webhook/post.ts';
import { deliverDue } from '#core/notify/deliver.ts';

const [folder, url, time] = process.argv.slice(2) as [string, string, string];
const attempts = await deliverDue(
  {
    queue: localDeliveries(folder),
    webhooks: () => [{ name: 'a', url, format: 'json', events: undefined }],
    console: () => undefined,
    readSecret: () => Promise.reject(new Error('there is none')),
    sender: webhookPost(),
    random: () => 0,
    busy: new Set(),
  },
  () => new Date(Number(time)),
);
process.stdout.write(JSON.stringify(attempts.map(({ outcome }) => outcome)));
