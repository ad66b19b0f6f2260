/** The server's parser of SQL is two megabytes of WebAssembly that no player needs: whoever asks for it is told so. */
export default async function createPgQuery(): Promise<never> {
  throw new Error('a browser has no parser of SQL');
}
