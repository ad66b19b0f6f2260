/** The WebAssembly of `zstddec/stream`: the real zstd. The build takes it out of the package, which keeps it to itself. */
declare module 'zstd-wasm' {
  /** Base64. */
  export const wasm: string;
}
