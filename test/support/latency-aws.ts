/**
 * The latency of AWS, modelled: what an emulator on the same machine answers at once takes as long as it would in the region.
 * Medians, as ../shared/reviews/aws.md counts with them. Nothing here is random: the same calls take the same time.
 */
import type { AwsClients } from '#adapters/aws/clients.ts';

/** Waits: a timer in a bench, anything else in a test. */
export type Sleep = (ms: number) => Promise<void>;

/** Milliseconds until a small answer is there. */
const MODEL_MS: Readonly<Record<string, number>> = {
  'DynamoDB GetItem': 5,
  'DynamoDB PutItem': 6,
  'DynamoDB UpdateItem': 6,
  'DynamoDB DeleteItem': 6,
  'DynamoDB Query': 6,
  'DynamoDB Scan': 6,
  'DynamoDB BatchGetItem': 7,
  'DynamoDB BatchWriteItem': 10,
  'DynamoDB TransactGetItems': 9,
  'DynamoDB TransactWriteItems': 15,
  'S3 GetObject': 20,
  'S3 HeadObject': 15,
  'S3 ListObjectsV2': 30,
  'S3 PutObject': 45,
  'S3 CreateMultipartUpload': 45,
  'S3 UploadPart': 45,
  'S3 CompleteMultipartUpload': 60,
  'S3 AbortMultipartUpload': 20,
  'KMS Sign': 11,
  'KMS GetPublicKey': 8,
  'SecretsManager GetSecretValue': 18,
  'STS AssumeRole': 30,
};
/** What one connection to S3 carries; of the others, bodies are small. */
const S3_BYTES_A_MS = 80_000;

/** How long a call takes that sends and is answered so many bytes. Throws for one that the model does not know. */
export function modelledMs(service: string, operation: string, bytes = 0): number {
  const base = MODEL_MS[`${service} ${operation}`];
  if (base === undefined) throw new Error(`no latency is modelled for ${service} ${operation}`);
  return base + (service === 'S3' ? bytes / S3_BYTES_A_MS : 0);
}

/** From now on each attempt of each call of these clients takes its time, and then what the emulator needs. */
export function addLatency(clients: Partial<AwsClients>, sleep: Sleep): void {
  for (const client of Object.values(clients)) slowDown(client, sleep);
}

interface Attempt {
  readonly request: { readonly body?: unknown };
}
interface Answered {
  readonly response: { readonly headers?: Readonly<Record<string, string>> };
}
type Next = (attempt: Attempt) => Promise<Answered>;
/** What all clients of the SDK have; each has types of its own. */
interface Stack {
  add(
    middleware: (next: Next, context: Readonly<Record<string, string>>) => Next,
    options: { readonly step: 'deserialize'; readonly name: string },
  ): void;
}

function slowDown(client: { readonly middlewareStack: unknown }, sleep: Sleep): void {
  // Of the steps, this one is within the retries, and has what is sent as bytes.
  (client.middlewareStack as Stack).add(
    (next, { clientName = '', commandName = '' }) =>
      async (attempt) => {
        const service = clientName.replace(/(?:Document)?Client$/, '');
        const operation = commandName.replace(/Command$/, '');
        await sleep(modelledMs(service, operation, sizeOf(attempt.request.body)));
        const answered = await next(attempt);
        const bytes = Number(answered.response.headers?.['content-length'] ?? 0);
        if (service === 'S3' && bytes > 0) await sleep(bytes / S3_BYTES_A_MS);
        return answered;
      },
    { step: 'deserialize', name: 'modelledLatency' },
  );
}

function sizeOf(body: unknown): number {
  if (typeof body === 'string') return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.byteLength : 0;
}
