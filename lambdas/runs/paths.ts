import { z } from 'zod';
import type { ZodOpenApiPathsObject } from 'zod-openapi';
import { idempotencyHeader } from '../idempotency-key.ts';
import { answers, operation } from '../operation.ts';
import { workflowName, workflowShape, workflowsShape } from '../workflows/shapes.ts';
import { endBody, runEvidenceShape, runId, runPageShape, runShape, runsQuery, startBody } from './shapes.ts';

const path = z.object({ id: runId });

/** Workflows, and their runs. */
export const runPaths: ZodOpenApiPathsObject = {
  '/v1/workflows': {
    get: operation('listWorkflows', 'The workflows that you may start, work on or look at', {
      responses: answers(workflowsShape, '400', '401'),
    }),
  },
  '/v1/workflows/{name}': {
    get: operation('getWorkflow', 'One workflow, with what each of its tasks may do', {
      requestParams: { path: z.object({ name: workflowName }) },
      responses: answers(workflowShape, '400', '401', '404'),
    }),
  },
  '/v1/runs': {
    get: operation('listRuns', 'The runs that you may see, newest first', {
      requestParams: { query: runsQuery },
      responses: answers(runPageShape, '400', '401'),
    }),
    post: operation('startRun', 'Start a run of a workflow', {
      requestParams: { header: idempotencyHeader('run') },
      body: startBody,
      responses: answers({ '201': runShape }, '400', '401', '403', '404', '409'),
    }),
  },
  '/v1/runs/{id}': {
    get: operation('getRun', 'One run: its tasks, what they wait for, and what they came to', {
      requestParams: { path },
      responses: answers(runShape, '401', '404'),
    }),
  },
  '/v1/runs/{id}/end': {
    post: operation('endRun', 'End a run: no task of it begins any more', {
      requestParams: { path },
      body: endBody,
      responses: answers(runShape, '400', '401', '403', '404', '409'),
    }),
  },
  '/v1/runs/{id}/evidence': {
    get: operation('getRunEvidence', 'What, beside the evidence of its sessions, a run is verified with', {
      requestParams: { path },
      responses: answers(runEvidenceShape, '401', '403', '404'),
    }),
  },
};
