/**
 * Flags of the gateway's node. A young generation of a quarter of the usual size: what a login leaves behind would otherwise stay resident,
 * with 8 MB another 40 KB for each of 500 sessions. With 2 MB it is collected so often that logins and write-ahead sessions take more CPU.
 * WebAssembly, which is the parser of SQL, is compiled once: V8 would compile anew what runs often, in threads that do not keep up on a busy
 * machine, and what waited for them was seen to take 20 KB for each text that was parsed.
 */
export const NODE_FLAGS: readonly string[] = [
  '--max-semi-space-size=4',
  '--no-wasm-tier-up',
  '--no-wasm-dynamic-tiering',
];
