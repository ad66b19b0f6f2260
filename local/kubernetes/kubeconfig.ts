/** The cluster that a kubeconfig means, and how one logs in there. https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/ */
import { dirname, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';

/** What a demo's gateway logs in with. */
export type ClusterLogin =
  | { readonly kind: 'token'; readonly text: string }
  /** Somebody renews it: it stays where it is. */
  | { readonly kind: 'tokenFile'; readonly file: string }
  /** A certificate and its key, as PEM. */
  | { readonly kind: 'certificate'; readonly text: string };

export interface DemoCluster {
  readonly context: string;
  readonly namespace: string;
  /** `host:port`, as custody.yaml has it. */
  readonly address: string;
  readonly serverName?: string;
  readonly caPem?: string;
  readonly login: ClusterLogin;
}

const text = z.string().max(1 << 20);
const clusterSchema = z.looseObject({
  server: text,
  'certificate-authority': text.optional(),
  'certificate-authority-data': text.optional(),
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': z
    .string()
    .regex(/^[A-Za-z0-9.:-]{1,253}$/)
    .optional(),
  'proxy-url': text.optional(),
});
type Cluster = z.infer<typeof clusterSchema>;
const userSchema = z.looseObject({
  token: text.optional(),
  tokenFile: text.optional(),
  'client-certificate': text.optional(),
  'client-certificate-data': text.optional(),
  'client-key': text.optional(),
  'client-key-data': text.optional(),
});
type User = z.infer<typeof userSchema>;
const contextSchema = z.looseObject({ cluster: text, user: text, namespace: text.optional() });
const namedSchema = z.looseObject({ name: text });

const schema = z.looseObject({
  'current-context': text.nullish(),
  clusters: z.array(namedSchema.extend({ cluster: clusterSchema })).nullish(),
  users: z.array(namedSchema.extend({ user: userSchema })).nullish(),
  contexts: z.array(namedSchema.extend({ context: contextSchema })).nullish(),
});

/** `read` gives the text of a file. Throws `config-invalid` for what a gateway cannot log in with, and for what checks nothing. */
export function demoCluster(
  file: string,
  wanted: string | undefined,
  read: (path: string) => string,
): DemoCluster {
  const config = parsed(file, read(file));
  const name = wanted ?? config['current-context'] ?? '';
  const context = config.contexts?.find((one) => one.name === name)?.context;
  if (context === undefined) throw noContext(file, name, config.contexts ?? []);
  const cluster = config.clusters?.find((one) => one.name === context.cluster)?.cluster;
  const user = config.users?.find((one) => one.name === context.user)?.user;
  if (cluster === undefined || user === undefined)
    throw unusable(file, `its context ${name} names a ${cluster ? 'user' : 'cluster'} that it has not`);
  const source = { file, read: (path: string) => read(resolve(dirname(file), path)) };
  const caPem = dataOf(source, cluster, 'certificate-authority');
  const serverName = cluster['tls-server-name'];
  return {
    context: name,
    namespace: context.namespace ?? 'default',
    address: addressOf(source, cluster),
    ...(serverName === undefined ? {} : { serverName }),
    ...(caPem === undefined ? {} : { caPem }),
    login: loginOf(source, user),
  };
}

interface Source {
  readonly file: string;
  /** A path as a kubeconfig has it: from its own folder. */
  readonly read: (path: string) => string;
}

function parsed(file: string, written: string): z.infer<typeof schema> {
  let value: unknown;
  try {
    value = parse(written);
  } catch (cause) {
    throw unusable(file, 'it is no YAML', cause);
  }
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const { path, message } = checked.error.issues[0]!;
  throw unusable(file, `at ${path.join('.') || 'the top'}: ${message}`);
}

function addressOf({ file }: Source, cluster: Cluster): string {
  const { server, 'insecure-skip-tls-verify': isUnchecked, 'proxy-url': proxy } = cluster;
  const url = URL.canParse(server) ? new URL(server) : undefined;
  if (url === undefined) throw unusable(file, `its server ${server} is no address`);
  if (url.protocol !== 'https:') throw unusable(file, `its server ${server} does not speak TLS`);
  if (isUnchecked)
    throw unusable(file, 'it has insecure-skip-tls-verify, and the gateway always checks whom it talks to');
  if (proxy) throw unusable(file, 'it reaches its server by a proxy (proxy-url), which the gateway does not');
  if (url.pathname !== '/' || url.search !== '')
    throw unusable(file, `its server ${server} has a path, and a target is a host and a port`);
  return `${url.hostname}:${url.port || '443'}`;
}

function loginOf(source: Source, user: User): ClusterLogin {
  const [stranger] = ['exec', 'auth-provider', 'username', 'as'].filter((key) => key in user);
  if (stranger !== undefined) throw unusable(source.file, wordsFor(stranger));
  const { token, tokenFile } = user;
  // As client-go has it: a file goes before a token, and both before a certificate.
  if (tokenFile !== undefined) return { kind: 'tokenFile', file: resolve(dirname(source.file), tokenFile) };
  if (token !== undefined) return { kind: 'token', text: `${token.trim()}\n` };
  const certificate = dataOf(source, user, 'client-certificate');
  const key = dataOf(source, user, 'client-key');
  if (certificate === undefined || key === undefined)
    throw unusable(source.file, 'its user has neither a token nor a client certificate with its key');
  return { kind: 'certificate', text: `${certificate.trim()}\n${key.trim()}\n` };
}

function wordsFor(key: string): string {
  switch (key) {
    case 'as':
      return 'its user acts as somebody else (as), which the gateway does itself';
    case 'username':
      return 'its user has a password, which API servers take no more';
    default:
      return `its user logs in by a program (${key}) of yours, which the gateway does not run`;
  }
}

/** In the file itself, which goes before, or in one that it names. */
function dataOf(
  { file, read }: Source,
  part: Readonly<{ [key: string]: unknown }>,
  key: string,
): string | undefined {
  const given = (name: string): string | undefined => {
    const value = part[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [data, path] = [given(`${key}-data`), given(key)];
  const pem = data === undefined ? path && read(path) : Buffer.from(data, 'base64').toString('utf8');
  if (pem === undefined || pem.includes('-----BEGIN ')) return pem;
  throw unusable(file, `its ${key} is no PEM`);
}

function noContext(file: string, name: string, contexts: readonly { readonly name: string }[]): CustodyError {
  const what = name === '' ? 'it has no current context' : `it has no context ${name}`;
  return new CustodyError('config-invalid', `${file} cannot be used: ${what}`, {
    hint: `choose one: --kube-context ${contexts.map((one) => one.name).join(' or ') || 'NAME'}`,
  });
}

function unusable(file: string, why: string, cause?: unknown): CustodyError {
  return new CustodyError('config-invalid', `${file} cannot be used: ${why}`, {
    hint: 'make a service account for the gateway (docs/kubernetes/gateway-rbac.yaml), and a kubeconfig with its token: see docs/kubernetes.md',
    cause,
  });
}
