/**
 * Flags of the gateway's node. A small young generation: the relay makes little garbage, and what a login leaves behind
 * would otherwise stay resident, more of it than an idle session itself.
 */
export const NODE_FLAGS: readonly string[] = ['--max-semi-space-size=2'];
