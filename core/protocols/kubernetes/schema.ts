/** Kubernetes' own part of custody.yaml. */
import { z } from 'zod';
import { oneOf, text, roleArn } from '#core/access/schema-parts.ts';
import { addressSchema, recordingWith, targetShape } from '#core/access/target-schema.ts';

const DNS_NAME = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
/** As kubectl writes it: `pods`, `deployments.apps`, `certificates.cert-manager.io`; `*` for any, `*.apps` for all of a group. */
const RESOURCE = /^(?:\*|[a-z0-9-]+)(?:\.(?:\*|[a-z0-9.-]+))?(?:\/(?:\*|[a-z0-9-]+))?$/;

const eksSchema = z.strictObject({
  cluster: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$/, 'expected the name of an EKS cluster')
    .describe('the name of the EKS cluster'),
  region: z
    .string()
    .regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, 'expected a region such as eu-central-1')
    .optional()
    .describe("where it is; the gateway's own region when not given"),
  role: roleArn.optional().describe('the ARN of a role to take for it; the task role when not given'),
});

const credentialSchema = z
  .strictObject({
    tokenFile: text
      .optional()
      .describe('on a laptop: a file with the token of a ServiceAccount; read anew for each session'),
    certificateFile: text
      .optional()
      .describe('on a laptop: one PEM file with a client certificate and its private key'),
    tokenSecret: text.optional().describe('in AWS: a secret of Secrets Manager with a token, by name or ARN'),
    certificateSecret: text
      .optional()
      .describe('in AWS: a secret with a client certificate and its private key, as PEM'),
    eks: eksSchema.optional().describe('in AWS: a token of EKS by IAM, made anew for each session'),
  })
  .refine(
    ({ tokenFile, certificateFile, tokenSecret, certificateSecret, eks }) =>
      oneOf(tokenFile, certificateFile, tokenSecret, certificateSecret, eks),
    { message: 'expected one of tokenFile, certificateFile, tokenSecret, certificateSecret, eks' },
  )
  .describe("the gateway's own login, which may impersonate; no client ever sees it");

/** Always TLS, and always checked. */
const tlsSchema = z.strictObject({
  caFile: text.optional().describe('a PEM file with the CA of the API server'),
  caData: text.optional().describe('in its place: the same as base64 of PEM, as a kubeconfig has it'),
  serverName: text.optional().describe("the name in its certificate; the address's host when not given"),
});

/** What a recording keeps of the bodies of answers: every byte, or how many there were and their SHA-256. */
export const responseRecording = z.enum(['full', 'digest']);
export const responseKinds = ['get', 'list', 'watch', 'logs', 'other'] as const;
export type ResponseKind = (typeof responseKinds)[number];

const responsesSchema = z
  .union([
    responseRecording.transform((all) => ({ get: all, list: all, watch: all, logs: all, other: all })),
    z.strictObject({
      get: responseRecording.default('full'),
      list: responseRecording.default('full'),
      watch: responseRecording.default('full'),
      logs: responseRecording.default('full'),
      other: responseRecording.default('full'),
    }),
  ])
  .prefault('full')
  .describe('full, or digest: how many bytes an answer had, and their SHA-256; for all or by kind of call');

export const kubernetesTargetSchema = z
  .strictObject({
    ...targetShape,
    protocol: z.literal('kubernetes'),
    address: addressSchema,
    sandbox: z.literal(true, 'expected true: only a database can be had as it was at a time').optional(),
    tls: tlsSchema.prefault({}),
    credential: credentialSchema,
    serverNames: z
      .array(z.string().regex(DNS_NAME, 'expected a DNS name in lower case'))
      .default([])
      .describe('names (SNI) by which clients may mean this cluster, beside the path /clusters/NAME'),
    withhold: z
      .array(z.string().max(120).regex(RESOURCE, 'expected a resource such as secrets or tokens.example.com'))
      .max(8, 'expected at most 8: the open statement names them')
      .default([])
      .describe(
        'resources whose values are not kept in recordings, in neither direction, such as secrets: clients get them all the same',
      ),
    recording: recordingWith({ responses: responsesSchema }).prefault({}),
  })
  .refine(({ tls }) => tls.caFile === undefined || tls.caData === undefined, {
    path: ['tls', 'caData'],
    message: 'expected one of caFile, caData',
  });
export type KubernetesTarget = z.infer<typeof kubernetesTargetSchema> & { readonly name: string };

const VERBS = ['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection'] as const;

/** What a list leaves out is any. All that is said must hold for one call. */
const callsSchema = z
  .strictObject({
    verbs: z
      .array(z.enum(['*', ...VERBS, 'read', 'write']))
      .min(1)
      .optional()
      .describe(
        'as of RBAC; read: get, list and watch; write: the others. A GET that upgrades (exec, attach, portforward, proxy) is create',
      ),
    resources: z
      .array(
        z.string().regex(RESOURCE, 'expected a resource such as pods, pods/exec, deployments.apps or *.apps'),
      )
      .min(1)
      .optional()
      .describe(
        'as kubectl names them: pods is of the core group, deployments.apps of another; pods/exec and pods/* have to be named, only * alone has all',
      ),
    namespaces: z.array(z.string()).min(1).optional().describe('patterns; "" for what is in no namespace'),
    names: z.array(text).min(1).optional().describe('patterns of names; a call that names none does not fit'),
    paths: z
      .array(text)
      .min(1)
      .optional()
      .describe('in place of resources: paths that are no resource, such as /version or /openapi/**'),
    commands: z
      .array(z.array(text).min(1))
      .min(1)
      .optional()
      .describe(
        'words of what runs, each a pattern; a last "**" stands for any more of them. Of exec, and of all containers of a pod (also of kubectl debug) or of a template of one; a container without a command does not fit',
      ),
    privileged: z
      .boolean()
      .optional()
      .describe(
        'true: writes of a pod, or of a template of one, that reach the node under it (privileged, capabilities, a namespace or a path of the host, a node of their choice), and the proxy of nodes; false: all other calls',
      ),
  })
  .refine(
    ({ paths, resources, namespaces, names, commands, privileged }) =>
      paths === undefined || oneOf(paths, resources, namespaces, names, commands, privileged),
    { path: ['paths'], message: 'is for calls of no resource: it goes with verbs alone' },
  );
export type CallPattern = z.infer<typeof callsSchema>;

/** What a rule that allows `connect` says of Kubernetes sessions. */
export const kubernetesRuleSchema = z.strictObject({
  as: z
    .strictObject({
      user: text
        .optional()
        .describe('whom the cluster sees; {email}, {subject} and {issuer} stand for the person’s own'),
      groups: z
        .array(text)
        .default([])
        .describe('the groups it sees; {groups} stands for each of the person’s, as in custody:{groups}'),
      extra: z
        .record(z.string().regex(/^[a-z0-9._-]+(?:\/[a-z0-9._-]+)?$/), z.array(text))
        .default({})
        .describe('more of what impersonation takes; custody.session and custody.request are always there'),
    })
    .optional()
    .describe(
      'by default the user custody:{email}, in no group: RBAC of the cluster gives them what it gives',
    ),
  calls: z
    .array(callsSchema)
    .min(1)
    .optional()
    .describe(
      'the calls that pass, one of these; all when absent, as far as the cluster lets them. Discovery passes in any case: /api, /apis, /openapi and /version',
    ),
  deny: z
    .array(callsSchema)
    .min(1)
    .optional()
    .describe(
      'calls that do not pass, whatever `calls` says; get is also list and watch here, delete also deletecollection, create also a server-side apply and a PUT that makes what is not there, and a call that names nothing has whatever it might reach',
    ),
});
export type KubernetesRule = z.infer<typeof kubernetesRuleSchema>;
