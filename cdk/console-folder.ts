/** The console as a bucket has it, under `dist`: `index.html` and `assets/…`. */
export const BUCKET_FILES = 'console';
