/** How people log in at an issuer: what `custody login` has to know of it. Nothing here is a secret: GET /v1/login shows it to all. */
import { z } from 'zod';
import { baseUrl, text } from './schema-parts.ts';

const PORT_RULE = 'expected a port from 1024 to 65535';
const port = z.int(PORT_RULE).min(1024, PORT_RULE).max(65_535, PORT_RULE);

/** What the login itself says: a parameter of the file must not take its place. */
const OWN = [
  'client_id',
  'client_secret',
  'code_challenge',
  'code_challenge_method',
  'id_token_hint',
  'nonce',
  'prompt',
  'redirect_uri',
  'request',
  'request_uri',
  'response_mode',
  'response_type',
  'scope',
  'state',
];

const params = z
  .record(
    z
      .string()
      .regex(/^[a-z][a-z0-9_]{0,63}$/, 'expected the name of a parameter, such as access_type')
      .refine((name) => !OWN.includes(name), 'is set by custody login itself'),
    text.max(512),
  )
  .refine((given) => Object.keys(given).length <= 10, 'expected at most 10 parameters');

const scopes = z
  .array(
    z
      .string()
      .max(256)
      .regex(/^[!#-[\]-~]+$/, 'expected a scope without spaces'),
  )
  .min(1)
  .max(30)
  .refine((scopes) => scopes.includes('openid'), 'expected openid among them');

/** Of the console: a browser is another kind of client than a command line, which some providers register apart. */
const consoleSchema = z
  .strictObject({
    clientId: text
      .max(512)
      .optional()
      .describe(
        'the client for single-page applications that is registered there; that of login when absent',
      ),
    scopes: scopes.optional().describe('those of login when absent'),
    origins: z
      .array(
        baseUrl.refine(
          (url) => URL.parse(url)?.origin === url,
          'expected an origin such as https://id.example',
        ),
      )
      .min(1)
      .max(5)
      .optional()
      .describe(
        "of its token endpoint, where that is not the issuer's own: the only others that the console's page may ask",
      ),
  })
  .readonly();

export const loginSchema = z
  .strictObject({
    title: text.max(100).optional().describe('how people know it, where they have to choose'),
    clientId: text
      .max(512)
      .optional()
      .describe('the client that is registered there; the first audience when absent'),
    clientSecret: text
      .max(512)
      .optional()
      .describe(
        "for a desktop client of Google, which has one that Google does not take for a secret: whoever reaches the API can read it. Never another client's",
      ),
    scopes: scopes
      .optional()
      .describe('openid, and of email and offline_access those that it offers, when absent'),
    ports: z
      .array(port)
      .min(1)
      .max(10)
      .optional()
      .describe('of the address on the own machine that the browser comes back to; any when absent'),
    redirectHost: z.enum(['127.0.0.1', 'localhost']).default('127.0.0.1').describe('as it is registered'),
    redirectPath: z
      .string()
      .max(100)
      .regex(/^\/[A-Za-z0-9/_-]*$/, 'expected a path such as /callback')
      .default('/callback'),
    prompt: z
      .enum(['login', 'consent', 'select_account'])
      .optional()
      .describe('what the issuer asks for each time; its own choice when absent'),
    flow: z
      .enum(['browser', 'device'])
      .default('browser')
      .describe('device: by a code that is confirmed in a browser anywhere, unless somebody says otherwise'),
    token: z
      .enum(['id', 'access'])
      .default('id')
      .describe('which token goes to the gateway; an access token has to be a JWT for its audience'),
    params: params
      .default({})
      .describe('what else the issuer wants to be asked with, such as hd, connection or access_type'),
    console: consoleSchema.optional().describe('what is different where the console signs people in'),
  })
  .readonly();

/** With what is set where the file is silent. */
export type LoginConfig = z.output<typeof loginSchema>;
