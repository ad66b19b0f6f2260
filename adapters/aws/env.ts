import { z } from 'zod';
import { CustodyError } from '#core/errors.ts';

const text = z.string().min(1);

/** What the stack tells every process. Names of things, never a secret. */
const schema = z.object({
  /** Recordings and the ledger. */
  CUSTODY_BUCKET: text,
  /** Where custody.yaml and the files that it names are. */
  CUSTODY_CONFIG_BUCKET: text,
  CUSTODY_CONFIG_KEY: text.default('custody.yaml'),
  CUSTODY_TABLE_SESSIONS: text,
  CUSTODY_TABLE_JOURNAL: text,
  CUSTODY_TABLE_COORDINATION: text,
  CUSTODY_TABLE_ACCESS: text,
  CUSTODY_TABLE_RUNS: text,
  CUSTODY_TABLE_DELIVERIES: text,
  /** The KMS key that signs statements and checkpoints: its ARN. */
  CUSTODY_SIGNING_KEY: text,
  /** The ledger's origin, after C2SP tlog-checkpoint: a name that no other ledger has. */
  CUSTODY_LEDGER_ORIGIN: text,
  /** How the ledger's objects are locked, and for how long; a session's are as its target says. */
  CUSTODY_LEDGER_LOCK: z.enum(['governance', 'compliance']).default('governance'),
  CUSTODY_LEDGER_KEEP_DAYS: z.coerce.number().int().min(1).default(3650),
  /** The API's address, for people. */
  CUSTODY_API_URL: text.optional(),
  /** Where clients reach the gateway, as `host:port`. */
  CUSTODY_GATEWAY_ADDRESS: text.optional(),
  /** Where SSH clients reach it, as `host:port`; nobody does without it. */
  CUSTODY_SSH_ADDRESS: text.optional(),
  /** Where clients of clusters reach it, as `host:port`; nobody does without it. */
  CUSTODY_KUBERNETES_ADDRESS: text.optional(),
  /** The proxy alone: the port on which it speaks Kubernetes. */
  CUSTODY_KUBERNETES_PORT: text.optional(),
  /** The CA for people's SSH certificates: ARNs of KMS keys, commas between. The first signs, all are believed. */
  CUSTODY_SSH_USER_CA: text.optional(),
  /** The CA for the gateway's own certificates, which targets take: an ARN. */
  CUSTODY_SSH_TARGET_CA: text.optional(),
  /** The proxy alone: the port on which it speaks SSH, and the secret with its host key. */
  CUSTODY_SSH_PORT: text.optional(),
  CUSTODY_SSH_HOST_KEY_SECRET: text.optional(),
  /** Under which namespace metrics are told: each stack has its own, or one's alarms would go by another's. */
  POWERTOOLS_METRICS_NAMESPACE: text.optional(),
  /** Functions alone: the version of custody.yaml that was deployed last, which only a deployment changes. */
  CUSTODY_POLICY_DEPLOYED: text.optional(),
  /** The proxy alone: the secret that holds its certificate. */
  CUSTODY_TLS_SECRET: text.optional(),
  /** Functions alone: where events of sealed sessions are, and where Athena finds them. */
  CUSTODY_EVENTS_BUCKET: text.optional(),
  /** Database and workgroup of Athena, of one name. */
  CUSTODY_EVENTS_DATABASE: text.optional(),
  /** The authorizer alone: the secret that CloudFront shows it before the console; there is none without it. */
  CUSTODY_EDGE_SECRET: text.optional(),
  /** The console's function alone: the origin that links to evidence lead to. */
  CUSTODY_EVIDENCE_ORIGIN: text.optional(),
  AWS_REGION: text,
});

/** Names of the variables, with their values: what the stack has to give. */
export type AwsEnvironment = z.input<typeof schema>;
export type AwsSettings = z.output<typeof schema>;

/** Throws `config-invalid` that names every variable that is missing. */
export function readAwsSettings(environment: Readonly<Record<string, string | undefined>>): AwsSettings {
  const read = schema.safeParse(environment);
  if (read.success) return read.data;
  const names = [...new Set(read.error.issues.map(({ path }) => path.join('.')))];
  throw new CustodyError('config-invalid', `these environment variables are missing: ${names.join(', ')}`, {
    hint: 'the stack sets them; see cdk/README.md',
  });
}
