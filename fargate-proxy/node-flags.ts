/**
 * Flags of the gateway's node. A small young generation: the relay makes little garbage, and what a login leaves behind
 * would otherwise stay resident, more of it than an idle session itself. WebAssembly, which is the parser of SQL, is compiled once:
 * V8 would compile anew what runs often, in threads that do not keep up on a busy machine, and what waited for them was seen to take
 * 20 KB for each text that was parsed.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=2',
  '--no-wasm-tier-up',
  '--no-wasm-dynamic-tiering',
];
