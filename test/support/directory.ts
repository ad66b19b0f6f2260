import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface AskedDirectory {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly authorization: string | undefined;
  readonly form: URLSearchParams;
}

export type DirectoryAnswer = (asked: AskedDirectory, response: ServerResponse) => void;

/** A directory on this machine, with its token endpoint; a test says what it answers. */
export interface TestDirectory {
  readonly url: string;
  readonly asked: AskedDirectory[];
  /** Of the token endpoint; tokens are `token-1`, `token-2` … as long as nothing else is said. */
  token: DirectoryAnswer;
  /** Of everything else. */
  groups: DirectoryAnswer;
  close(): Promise<void>;
}

/** Requests to it whose path ends in `token` are for tokens. */
export async function startDirectory(): Promise<TestDirectory> {
  let tokens = 0;
  const server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const { pathname, searchParams: query } = new URL(request.url!, 'http://127.0.0.1');
      const { authorization } = request.headers;
      const asked = { path: pathname, query, authorization, form: new URLSearchParams(body) };
      directory.asked.push(asked);
      (pathname.endsWith('/token') ? directory.token : directory.groups)(asked, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const directory: TestDirectory = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked: [],
    token: (_asked, response) => {
      tokens += 1;
      json(response, { access_token: `token-${tokens}`, token_type: 'Bearer', expires_in: 3599 });
    },
    groups: (_asked, response) => response.writeHead(500).end(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return directory;
}

export function json(response: ServerResponse, value: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/** Answers as many times as there are answers; the last one from then on. */
export function inTurn(...answers: readonly DirectoryAnswer[]): DirectoryAnswer {
  let turn = 0;
  return (asked, response) => {
    answers[Math.min(turn, answers.length - 1)]!(asked, response);
    turn += 1;
  };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
