// The command line; see custody.mjs for how it starts.
