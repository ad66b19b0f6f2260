import type { Config } from '#core/access/config.ts';
import { askingOf } from '../asking.ts';
import { type HttpHandler, httpHandler, json, queryOf } from '../http.ts';
import { type FaultLog, noSuchOperation } from '../problem.ts';
import { noQuery } from '../shapes.ts';
import { workflowAnswer } from './answers.ts';
import { workflowShape, workflowsShape } from './shapes.ts';
import { mayKnow, noSuchWorkflow } from './visible.ts';

export interface WorkflowsPorts {
  readonly policy: () => Config;
  readonly now: () => Date;
  readonly log: FaultLog;
}

/** GET /v1/workflows and /v1/workflows/{name}: what the configuration in force has. */
export function workflowsHandler(ports: WorkflowsPorts): HttpHandler {
  return httpHandler(ports.log, async (event) => {
    queryOf(noQuery, event);
    const asking = askingOf(event, ports);
    const known = [...asking.policy.compiled.values()].filter(({ declared }) => mayKnow(declared, asking));
    switch (event.routeKey) {
      case 'GET /v1/workflows':
        return json(workflowsShape, { workflows: known.map((workflow) => workflowAnswer(workflow, asking)) });
      case 'GET /v1/workflows/{name}': {
        const workflow = known.find(({ name }) => name === event.pathParameters?.['name']);
        if (workflow === undefined) throw noSuchWorkflow();
        return json(workflowShape, workflowAnswer(workflow, asking));
      }
      default:
        throw noSuchOperation();
    }
  });
}
