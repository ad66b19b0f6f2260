/**
 * What CloudFront runs before it looks for an answer (cloudfront-js-2.0): written from what everybody else goes by, and small enough to be
 * read in the account. https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/functions-event-structure.html
 */
import { ASSETS, EVIDENCE, INDEX, PAGE } from '../console/build/addresses.ts';
import { EDGE_VIEWER } from '../console/build/edge-headers.ts';

type Headers = Readonly<Record<string, string>>;

/** One page for all addresses of the console; nothing else but its assets is there. */
export function pagesCode(headers: Headers): string {
  return `${nothing(headers)}
const PAGE = ${PAGE};

function handler(event) {
  const request = event.request;
  if (PAGE.test(request.uri)) request.uri = ${text(INDEX)};
  return request.uri === ${text(INDEX)} || request.uri.startsWith(${text(ASSETS)}) ? request : NOTHING;
}
`;
}

/**
 * The API is told who asks. What identity providers and directories call is not here: failures of theirs are counted by address, and
 * their address for it is the API's own.
 */
export function apiCode(headers: Headers): string {
  return `${nothing(headers)}
const OF_MACHINES = /^\\/v1\\/(?:scim|logout)(?:\\/|$)/i;

function plain(uri) {
  try {
    return decodeURIComponent(uri).replace(/\\/+/g, '/');
  } catch (_error) {
    return undefined;
  }
}

function handler(event) {
  const request = event.request;
  const path = plain(request.uri);
  if (path === undefined || OF_MACHINES.test(path)) return NOTHING;
  request.headers[${text(EDGE_VIEWER)}] = { value: event.viewer.ip };
  return request;
}
`;
}

/** A link of S3's under this origin: S3 goes by the signature in the link alone, and gets nothing else of who asks. */
export function evidenceCode(headers: Headers): string {
  return `${nothing(headers)}
function handler(event) {
  const request = event.request;
  if (request.querystring['X-Amz-Signature'] === undefined) return NOTHING;
  request.uri = request.uri.slice(${EVIDENCE.length});
  delete request.headers.authorization;
  request.cookies = {};
  return request;
}
`;
}

function nothing(headers: Headers): string {
  const all = { ...headers, 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' };
  const valued = Object.fromEntries(Object.entries(all).map(([name, value]) => [name, { value }]));
  const answer = {
    statusCode: 404,
    statusDescription: 'Not Found',
    headers: valued,
    body: 'there is nothing here\n',
  };
  return `const NOTHING = ${JSON.stringify(answer)};`;
}

function text(value: string): string {
  return JSON.stringify(value);
}
