import { stringify } from 'yaml';

/** What a kubeconfig with one cluster, one user and one context says. */
export interface Kubeconfig {
  readonly server: string;
  /** PEM. */
  readonly ca?: string;
  readonly namespace?: string;
  readonly token?: string;
  /** PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** An exec credential plugin, as kubeconfig writes it. */
  readonly exec?: object;
  readonly tlsServerName?: string;
}

export function kubeconfigText(name: string, config: Kubeconfig): string {
  const cluster = {
    server: config.server,
    'certificate-authority-data': base64(config.ca),
    'tls-server-name': config.tlsServerName,
  };
  const user = {
    token: config.token,
    'client-certificate-data': base64(config.cert),
    'client-key-data': base64(config.key),
    exec: config.exec,
  };
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': name,
    clusters: [{ name, cluster }],
    users: [{ name, user }],
    contexts: [{ name, context: { cluster: name, user: name, namespace: config.namespace } }],
  });
}

function base64(text: string | undefined): string | undefined {
  return text === undefined ? undefined : Buffer.from(text).toString('base64');
}
