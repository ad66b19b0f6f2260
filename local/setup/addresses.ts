/** Everything a script needs to know once it is ready: the line of `npm start -- --json`. */
export interface LocalAddresses {
  readonly issuer: string;
  readonly api: string;
  /** Where a browser opens the console. */
  readonly console: string;
  /** Where PostgreSQL clients connect: the gateway. */
  readonly postgres: { readonly host: string; readonly port: number };
  /** The demo target behind it. */
  readonly database: { readonly host: string; readonly port: number };
  /** Where SSH clients connect: the gateway. */
  readonly ssh: { readonly host: string; readonly port: number };
  /** The demo SSH server behind it, and its one login; absent where it is left out. */
  readonly web?: { readonly host: string; readonly port: number; readonly login: string };
  /** Where Kubernetes clients connect: the gateway; absent where custody.yaml has no cluster. */
  readonly kubernetes?: { readonly host: string; readonly port: number };
  /** The cluster of --kubeconfig; absent without it. */
  readonly cluster?: { readonly address: string; readonly context: string; readonly namespace: string };
  readonly dataDir: string;
  readonly config: string;
  /** The local CA's certificate: sslrootcert. */
  readonly ca: string;
  /** The public key that statements are signed with. */
  readonly signer: string;
  readonly pids: {
    readonly supervisor: number;
    readonly gateway: number;
    readonly database: number;
    readonly web?: number;
  };
}
