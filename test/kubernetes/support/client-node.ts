import { PassThrough, Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { CoreV1Api, Exec, KubeConfig, type V1Status, Watch } from '@kubernetes/client-node';

/** The JavaScript client with a kubeconfig. */
export function clientNode(kubeconfig: string): ClientNode {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  return new ClientNode(config);
}

export class ClientNode {
  readonly core: CoreV1Api;
  readonly #config: KubeConfig;

  constructor(config: KubeConfig) {
    this.#config = config;
    this.core = config.makeApiClient(CoreV1Api);
  }

  async podNames(namespace: string): Promise<string[]> {
    const { items } = await this.core.listNamespacedPod({ namespace });
    return items.map(({ metadata }) => metadata!.name!);
  }

  /** A command in web-0 to its end. */
  async exec(
    command: string[],
    input?: Uint8Array,
  ): Promise<{ stdout: Buffer; stderr: Buffer; status: V1Status }> {
    const [out, err] = [new PassThrough(), new PassThrough()];
    const stdin = input === undefined ? null : Readable.from([input]);
    const ended = new Promise<V1Status>((resolve, reject) => {
      new Exec(this.#config)
        .exec('dev', 'web-0', 'main', command, out, err, stdin, false, resolve)
        .catch((error: unknown) => reject(error instanceof Error ? error : new Error(JSON.stringify(error))));
    });
    const read = Promise.all([buffer(out), buffer(err)]);
    const status = await ended;
    out.end();
    err.end();
    const [stdout, stderr] = await read;
    return { stdout, stderr, status };
  }

  /** The names that a watch of config maps brings, until it is told to stop. */
  async watch(came: (phase: string, name: string) => void): Promise<AbortController> {
    return new Watch(this.#config).watch(
      '/api/v1/namespaces/dev/configmaps',
      {},
      (phase, object: { metadata: { name: string } }) => came(phase, object.metadata.name),
      () => {},
    );
  }
}
