import type { LeafSink } from '#core/ledger/leaves.ts';
import type { RecordingSink, RecordingSource, Signer } from '#core/recording/ports.ts';
import type { SessionIndex } from '#core/recording/session-index.ts';
import { modelledMs, type Sleep } from './latency-aws.ts';

/** As the SDK's clients have them (adapters/aws/clients.ts). */
const SOCKETS = 64;

export interface SlowPorts {
  readonly store: RecordingSink & RecordingSource;
  readonly signer: Signer;
  readonly index: SessionIndex;
  readonly leaves: LeafSink;
}

/** Ports in memory that take as long as AWS's: for measuring what is made of the calls, without an emulator's own time. */
export function slowPorts({ store, signer, index, leaves }: SlowPorts, sleep: Sleep): SlowPorts {
  const sockets = new Sockets();
  const s3 = async <T>(operation: string, call: () => Promise<T>, bytes = 0): Promise<T> =>
    sockets.use(async () => {
      await sleep(modelledMs('S3', operation, bytes));
      const answer = await call();
      if (answer instanceof Uint8Array)
        await sleep(modelledMs('S3', operation, answer.byteLength) - modelledMs('S3', operation));
      return answer;
    });
  const after = async <T>(service: string, operation: string, call: () => Promise<T>): Promise<T> => {
    await sleep(modelledMs(service, operation));
    return call();
  };
  const publicKey = signer.publicKey();
  return {
    store: {
      put: (key, bytes, retention) =>
        s3('PutObject', () => store.put(key, bytes, retention), bytes.byteLength),
      list: (prefix) => s3('ListObjectsV2', () => store.list(prefix)),
      sizes: (prefix) => s3('ListObjectsV2', () => store.sizes(prefix)),
      get: (key, atMost) => s3('GetObject', () => store.get(key, atMost)),
      size: (key) => s3('HeadObject', () => store.size(key)),
    },
    signer: {
      sign: (message) => after('KMS', 'Sign', () => signer.sign(message)),
      // Known once it was asked for (adapters/aws/kms-signer.ts).
      publicKey: () => publicKey,
    },
    index: {
      opened: (record) => after('DynamoDB', 'PutItem', () => index.opened(record)),
      closed: (id, outcome) => after('DynamoDB', 'UpdateItem', () => index.closed(id, outcome)),
      unsealed: () => after('DynamoDB', 'Scan', () => index.unsealed()),
    },
    leaves: { add: (leaf) => after('DynamoDB', 'TransactWriteItems', () => leaves.add(leaf)) },
  };
}

/** No more calls at once than there are sockets. */
class Sockets {
  #free = SOCKETS;
  readonly #waiting: (() => void)[] = [];

  async use<T>(call: () => Promise<T>): Promise<T> {
    if (this.#free === 0) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#free -= 1;
    try {
      return await call();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }
}
