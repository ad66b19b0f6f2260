/** Recorded sessions, what was done in them, and what is found in them. */
import type { z } from 'zod';
import type { outlineShape } from '#lambdas/sessions/outline.ts';
import type { rowsShape } from '#lambdas/sessions/rows.ts';
import type { stepsShape } from '#lambdas/sessions/step-shape.ts';
import type { summaryShape } from '#lambdas/sessions/summary.ts';
import type { foundSessionsShape, hitsShape } from '#lambdas/search/shapes.ts';
import type { Api, Query } from './client.ts';
import type { Session, SessionPage } from './types.ts';

export type StepPage = z.output<typeof stepsShape>;
export type RowPage = z.output<typeof rowsShape>;
export type Outline = z.output<typeof outlineShape>;
export type Summary = z.output<typeof summaryShape>;
export type HitPage = z.output<typeof hitsShape>;
export type Hit = HitPage['hits'][number];
export type FoundPage = z.output<typeof foundSessionsShape>;
export type FoundSession = FoundPage['sessions'][number];

/** A step as the list and the detail have it: what it says is its own of each protocol. */
export type Step = StepPage['steps'][number];

/** A text or a value, as it was on the wire. */
export interface Value {
  readonly text: string;
  readonly bytes: number;
  readonly cut: boolean;
  readonly undecoded?: true | undefined;
}

export type Row = readonly (Value | null)[];

export class SessionsApi {
  readonly #api: Api;

  constructor(api: Api) {
    this.#api = api;
  }

  list(query: Query, signal?: AbortSignal): Promise<SessionPage> {
    return this.#api.get('/v1/sessions', query, signal);
  }

  session(id: string, signal?: AbortSignal): Promise<Session> {
    return this.#api.get(pathOf(id), {}, signal);
  }

  summary(id: string, signal?: AbortSignal): Promise<Summary> {
    return this.#api.get(`${pathOf(id)}/summary`, {}, signal);
  }

  outline(id: string, signal?: AbortSignal): Promise<Outline> {
    return this.#api.get(`${pathOf(id)}/outline`, {}, signal);
  }

  steps(id: string, query: Query, signal?: AbortSignal): Promise<StepPage> {
    return this.#api.get(`${pathOf(id)}/steps`, query, signal);
  }

  /** From the first, as many as there are in so many pages. */
  async firstSteps(id: string, pages: number, signal?: AbortSignal): Promise<readonly Step[]> {
    const found: Step[] = [];
    let cursor: number | undefined;
    for (let page = 0; page < pages; page += 1) {
      const { steps, next } = await this.steps(id, { limit: STEPS_MAX, cursor }, signal);
      found.push(...steps);
      if (next === undefined) break;
      cursor = next;
    }
    return found;
  }

  rows(id: string, step: number, query: Query, signal?: AbortSignal): Promise<RowPage> {
    return this.#api.get(`${pathOf(id)}/steps/${step}/rows`, query, signal);
  }

  search(query: Query, signal?: AbortSignal): Promise<HitPage> {
    return this.#api.get('/v1/search', query, signal);
  }

  searchSessions(query: Query, signal?: AbortSignal): Promise<FoundPage> {
    return this.#api.get('/v1/search/sessions', query, signal);
  }

  /** It ends within seconds. */
  end(id: string, reason: string): Promise<unknown> {
    return this.#api.send(`${pathOf(id)}/termination`, { body: reason === '' ? {} : { reason } });
  }
}

/** In one page. */
const STEPS_MAX = 1_000;

function pathOf(id: string): string {
  return `/v1/sessions/${encodeURIComponent(id)}`;
}
