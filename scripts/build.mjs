// npm run build: the Prisma client and the server, whether or not anything changed.
import { main } from './lib/progress.mjs';
import { ensureBuilt, ensureInstalled } from './lib/project.mjs';

await main(async () => {
  await ensureInstalled();
  await ensureBuilt({ always: true });
});
