import { TemplateAccount } from '#test/support/iam/template-account.ts';
import { configFolder, gatewayTemplate } from '#test/support/stacks.ts';

export const BREAK_GLASS = 'arn:aws:iam::111122223333:role/emergency';
export const AUDITOR = 'arn:aws:iam::444455556666:role/auditor';
export const CLUSTER_ROLE = 'arn:aws:iam::444455556666:role/custody-cluster';
export const SECRETS_KEY = 'arn:aws:kms:eu-central-1:111122223333:key/of-secrets';

const TARGETS = `  by-iam:
    protocol: postgres
    address: a.cluster-example.eu-central-1.rds.amazonaws.com:5432
    database: orders
    tls: { mode: verify-full, ca: rds }
    credential: { user: custody, rdsIam: true }
  web-1:
    protocol: ssh
    address: web-1.internal:22
    hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE1n']
    logins: { deploy: { keySecret: custody/deploy }, app: { certificate: true } }
  prod:
    protocol: kubernetes
    address: 0123456789ABCDEF.gr7.eu-central-1.eks.amazonaws.com:443
    tls: { caData: ${Buffer.from('-----BEGIN CERTIFICATE-----\n').toString('base64')} }
    credential: { eks: { cluster: theirs, role: '${CLUSTER_ROLE}' } }
`;
const HOOK = 'webhooks: [{ name: hook, url: "https://example.com", secret: custody/hook }]\n';

/** With all that a custody.yaml and a cdk.json may ask for that has a policy of its own. */
export function everything(): TemplateAccount {
  using folder = configFolder(
    (yaml) =>
      `${yaml
        .replace(/^rules:/m, `${TARGETS}rules:`)
        .replace(/^( *)(audience: .*)$/m, '$1$2\n$1scim: { secret: custody/directory }')}\n${HOOK}`,
  );
  return new TemplateAccount(
    gatewayTemplate({
      configFolder: folder.path,
      targets: { 'by-iam': { resourceId: 'cluster-ABC123' } },
      secretKeys: { 'custody/orders': SECRETS_KEY },
      recordings: { breakGlassRoleArn: BREAK_GLASS, auditors: [AUDITOR] },
    }),
  );
}

/** Protected, in a network of its own, without a console, and with nothing else. */
export function inside(): TemplateAccount {
  return new TemplateAccount(gatewayTemplate({ api: { private: true }, console: false, protect: true }));
}
