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
    const { workflows } = asking.policy;
    switch (event.routeKey) {
      case 'GET /v1/workflows': {
        const known = [...workflows].filter(([, declared]) => mayKnow(declared, asking));
        return json(workflowsShape, {
          workflows: known.map(([name, declared]) => workflowAnswer(name, declared, asking)),
        });
      }
      case 'GET /v1/workflows/{name}': {
        const name = event.pathParameters?.['name'] ?? '';
        const declared = workflows.get(name);
        if (declared === undefined || !mayKnow(declared, asking)) throw noSuchWorkflow();
        return json(workflowShape, workflowAnswer(name, declared, asking));
      }
      default:
        throw noSuchOperation();
    }
  });
}
