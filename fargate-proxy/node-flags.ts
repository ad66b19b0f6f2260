/**
 * Flags of the gateway's node. A young generation of half the usual size: what a login leaves behind would otherwise stay resident. A
 * smaller one is collected so often that logins take a twentieth more CPU, and write-ahead sessions as much. WebAssembly, which is the parser of SQL, is compiled once:
 * V8 would compile anew what runs often, in threads that do not keep up on a busy machine, and what waited for them was seen to take
 * 20 KB for each text that was parsed.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=8',
  '--no-wasm-tier-up',
  '--no-wasm-dynamic-tiering',
];
