/** SSH's own part of custody.yaml. */
import { z } from 'zod';
import { duration, oneOf, text } from '#core/access/schema-parts.ts';
import { addressSchema, recordingWith, targetShape } from '#core/access/target-schema.ts';

const LOGIN = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/;
const PUBLIC_KEY =
  /^(?:ssh-ed25519|ecdsa-sha2-nistp(?:256|384|521)|ssh-rsa|sk-\S+) [A-Za-z0-9+/]+=*(?: .*)?$/;
const publicKey = z
  .string()
  .regex(PUBLIC_KEY, 'expected a public key as in known_hosts, such as: ssh-ed25519 AAAA…');

const loginSchema = z
  .strictObject({
    keyFile: text
      .optional()
      .describe('on a laptop: a file with a private key in OpenSSH or PEM form, without passphrase'),
    passwordFile: text.optional().describe('on a laptop: a file with nothing but the password'),
    keySecret: text
      .optional()
      .describe('in AWS: a secret of Secrets Manager with a private key, by name or ARN'),
    secret: text.optional().describe('in AWS: a secret with the password, or JSON with a "password"'),
    certificate: z
      .literal(true)
      .optional()
      .describe("a key and certificate made anew for every session, signed by the gateway's CA for targets"),
  })
  .refine(
    ({ keyFile, passwordFile, keySecret, secret, certificate }) =>
      oneOf(keyFile, passwordFile, keySecret, secret, certificate),
    { message: 'expected one of keyFile, passwordFile, keySecret, secret, certificate: true' },
  );

/** What an SSH target says beyond what every target says. */
export const sshTargetShape = {
  protocol: z.literal('ssh'),
  logins: z
    .record(z.string().regex(LOGIN, 'expected the name of a login, such as deploy'), loginSchema)
    .refine((logins) => Object.keys(logins).length > 0, 'is empty: name at least one login')
    .describe('the logins at the target that may be asked for, and how the gateway proves itself for each'),
  hostKeys: z.array(publicKey).min(1).optional().describe("the target's host keys; any other is refused"),
  hostCa: z
    .strictObject({ keys: z.array(publicKey).min(1), names: z.array(text).min(1).optional() })
    .optional()
    .describe(
      "in place of hostKeys: CAs of its host certificates, and the names that those must have (default: the address's host)",
    ),
  older: z
    .array(z.enum(['dh-group14-sha256', 'ecdh-nistp', 'aes-ctr', 'hmac-sha2', 'rsa-sha1']))
    .default([])
    .describe(
      'older algorithms that this target needs; each weakens the connection between gateway and target',
    ),
  env: z
    .array(z.string().regex(/^[A-Za-z_*][A-Za-z0-9_*]*$/, 'expected a variable such as LANG or LC_*'))
    .default(['LANG', 'LC_*', 'COLORTERM', 'NO_COLOR', 'TZ', 'GIT_PROTOCOL'])
    .describe('environment variables that clients may set'),
  subsystems: z.array(text).default(['sftp']),
  keepAlive: duration(1_000, 3_600_000, 'expected a time from 1s to 1h, such as 30s').prefault('30s'),
};

const hostAndPort = z
  .string()
  .regex(
    /^(?:\*|[A-Za-z0-9.*-]+|\[[0-9A-Fa-f:.*]+\]):(?:\*|\d{1,5})$/,
    'expected host:port, such as db.internal:5432 or *.internal:443',
  );

const filePath = text.regex(/^(?:\/|\*\*)/, 'expected an absolute path, such as /srv/app/**');

/** What a rule that allows `connect` says of SSH sessions. */
export const sshRuleSchema = z.strictObject({
  logins: z.array(text).min(1).optional().describe("which of the target's logins; all when absent"),
  forward: z
    .strictObject({
      local: z
        .array(hostAndPort)
        .default([])
        .describe('ssh -L, -D and -J: where the target may be asked to connect to'),
      remote: z.array(hostAndPort).default([]).describe('ssh -R: addresses at which the target may listen'),
      agent: z.boolean().default(false),
      x11: z.boolean().default(false),
    })
    .optional()
    .describe('off when absent; what passes is recorded'),
  files: z
    .strictObject({
      upload: z
        .array(filePath)
        .optional()
        .describe('paths at the target that may be written, such as /srv/app/**; all when absent'),
      download: z.array(filePath).optional().describe('paths that may be read; all when absent'),
      besides: z
        .array(z.enum(['shell', 'exec']))
        .optional()
        .describe('what else may be done; it reaches files too, whatever their paths'),
    })
    .optional()
    .describe(
      'with it, files pass by sftp alone (which scp speaks, too), and only these; by scp -O where no path decides',
    ),
  touch: z.literal('required').optional().describe('a FIDO key that verifies its user for each session'),
});
export type SshRule = z.infer<typeof sshRuleSchema>;

/** `full`: every byte. `digest`: of a file its path, size and SHA-256 alone; the bytes stand as zeros on the tape. */
export const fileRecording = z.enum(['full', 'digest']);

export const sshTargetSchema = z
  .strictObject({
    ...targetShape,
    address: addressSchema,
    sandbox: z.literal(true, 'expected true: only a database can be had as it was at a time').optional(),
    ...sshTargetShape,
    recording: recordingWith({ files: fileRecording.default('full') }).prefault({}),
  })
  .refine(({ hostKeys, hostCa }) => oneOf(hostKeys, hostCa), {
    path: ['hostKeys'],
    message: 'expected one of hostKeys, hostCa: a target is known by its key',
  });
export type SshTarget = z.infer<typeof sshTargetSchema> & { readonly name: string };
