import { workloadsIssuer } from '#adapters/local/demo-workloads.ts';

/** The demo's workflow, and the rules that let its tasks, and nothing else, reach orders-prod; as custody.yaml has them. */
export interface DemoWorkflowText {
  readonly workflows: string;
  readonly rules: string;
}

/** `peopleIssuer`: the demo's. */
export function demoWorkflow(peopleIssuer: string): DemoWorkflowText {
  const agents = workloadsIssuer(peopleIssuer);
  return { workflows: workflows(agents), rules: rules(agents) };
}

function rules(agents: string): string {
  return `  - name: refunds-work # orders-prod without asking, as a task of this workflow and as nothing else
    groups: [developers]
    targets: [orders-prod]
    allow: [connect]
    when: { task: refunds/* }
  - name: refunds-agents
    groups: [developers]
    actor:
      subject: agent-*
      issuer: ${agents} # set by npm start
    targets: [orders-prod]
    allow: [connect]
    when: { task: refunds/* }
  - name: refunds-jobs
    issuer: actions
    claims: { repository: acme/shop, ref: refs/heads/main }
    targets: [orders-prod]
    allow: [connect]
    when: { task: refunds/* }
`;
}

function workflows(agents: string): string {
  const by = `by: # people, agents that act for them, and one job of one branch
          - groups: [developers]
          - groups: [developers]
            actor:
              subject: agent-*
              issuer: ${agents} # set by npm start
          - issuer: actions
            claims: { repository: acme/shop, ref: refs/heads/main }`;
  return `workflows: # jobs cut into tasks, and what each task may do; docs/workflows.md
  refunds: # custody run start refunds
    description: Pays back orders that were paid twice
    within: 1d # then no task of the run begins any more
    tasks:
      find:
        description: Finds orders with two payments that were not refunded
        target: orders-prod
        ${by}
        within: 15m
        contract: # it does this and nothing else; what it does not have is refused before it reaches the database
          does:
            - name: paid-twice
              statement: |
                SELECT order_id, max(amount) AS amount FROM payments
                WHERE order_id NOT IN (SELECT order_id FROM refunds)
                GROUP BY order_id HAVING count(*) > 1 ORDER BY order_id LIMIT 3
              answers: { rows: { min: 1, max: 3 }, columns: [order_id, amount] }
          outputs:
            orders: { of: paid-twice, columns: [order_id, amount], keep: true } # no secret: the result has the values
      refund:
        description: Pays them back, one by one
        target: orders-prod
        ${by}
        after: [find]
        within: 15m
        contract:
          does:
            - name: pay-back
              statement: INSERT INTO refunds (order_id, amount) VALUES ($1, $2)
              values:
                $1: { type: integer, from: find.orders.order_id } # no order but those that find put out
                $2: { type: number, max: 2500, from: find.orders.amount }
              times: { min: 1, max: 3 }
              answers: { affected: 1 }
          onDeviation: stop # the default: refused, and the session ends. Or record, or ask: with reviewers
      report:
        description: Counts what was paid back
        target: orders-prod
        ${by}
        after: [refund]
        contract:
          does:
            - name: count
              statement: SELECT count(*) AS refunds, sum(amount) AS total FROM refunds
              answers: { rows: 1 }
          outputs:
            totals: { of: count, columns: [refunds, total], keep: true }
`;
}
