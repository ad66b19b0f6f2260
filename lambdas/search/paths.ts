import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { answers, operation } from '../operation.ts';
import { foundSessionsShape, hitsShape, searchQueryShape } from './shapes.ts';

export const searchPaths: ZodOpenApiPathsObject = {
  '/v1/search': {
    get: operation(
      'searchSteps',
      'Steps of the sealed sessions that you may replay: newest session first, then in their order',
      {
        requestParams: { query: searchQueryShape },
        responses: answers(hitsShape, '400', '401', '403'),
      },
    ),
  },
  '/v1/search/sessions': {
    get: operation('searchSessions', 'The same as sessions, with counts of the steps that were found', {
      requestParams: { query: searchQueryShape },
      responses: answers(foundSessionsShape, '400', '401', '403'),
    }),
  },
};
