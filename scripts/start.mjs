// npm start: installs and builds what is missing or out of date, then runs the server in this process, so that a signal
// reaches it and not only a parent of it.

import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { main } from './lib/progress.mjs';
import { ensureBuilt, ensureInstalled, root } from './lib/project.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt();
});
await import(pathToFileURL(path.join(root, 'dist', 'main.js')).href);
